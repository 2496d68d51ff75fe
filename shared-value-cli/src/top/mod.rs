//! `top`: a live view of the values of this machine, in a terminal.

mod draw;
mod edit;
mod field;
mod model;
mod screen;
#[cfg(test)]
#[expect(dead_code, reason = "the other tests use the rest")]
#[path = "../../tests/command/terminal.rs"]
mod terminal;

use std::time::{Duration, Instant};

use clap::Args;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::commands::change::seconds;
use crate::failure::Result;
use crate::top::edit::Edit;
use crate::top::model::{Focus, Model};
use crate::top::screen::{Screen, Wish};

/// Show values live, with the owners of their locks
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Names, which may contain `*` and `?`. Without any, all names
    names: Vec<String>,
    /// How often to look
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "0.1")]
    interval: Duration,
}

pub(crate) fn run(Top { names, interval }: &Top) -> Result<()> {
    let mut model = Model::new(names)?;
    let mut screen = Screen::open()?;
    let mut next = Instant::now();
    loop {
        match screen.wish() {
            Wish::None => {}
            Wish::Stop => screen.stop()?,
            Wish::End => return screen.close(),
        }
        if Instant::now() >= next {
            next = Instant::now() + *interval;
            model.look()?;
            screen.draw(|frame| draw::draw(&model, frame))?;
        }
        // Signals interrupt the wait at the latest after this time.
        let wait = next.saturating_duration_since(Instant::now()).min(Duration::from_millis(100));
        if !event::poll(wait)? {
            continue;
        }
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                if is_stop(key) {
                    screen.stop()?;
                } else if !press(&mut model, key)? {
                    return screen.close();
                }
            }
            _ => {}
        }
        // A key or a new size is answered at once.
        screen.draw(|frame| draw::draw(&model, frame))?;
    }
}

fn is_stop(key: KeyEvent) -> bool {
    key.code == KeyCode::Char('z') && key.modifiers.contains(KeyModifiers::CONTROL)
}

/// Handles a key. Returns `false` if it ends the program.
fn press(model: &mut Model, key: KeyEvent) -> Result<bool> {
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return Ok(false);
    }
    if let Some(edit) = model.edit.take() {
        model.edit = edit.press(key.code, &mut model.message);
        return Ok(true);
    }
    model.message.clear();
    match key.code {
        KeyCode::Char('q') | KeyCode::Esc => return Ok(false),
        KeyCode::Tab => model.focus = if model.focus == Focus::Values { Focus::Fields } else { Focus::Values },
        KeyCode::Left => model.focus = Focus::Values,
        KeyCode::Right => model.focus = Focus::Fields,
        KeyCode::Up | KeyCode::Char('k') => model.step(-1),
        KeyCode::Down | KeyCode::Char('j') => model.step(1),
        KeyCode::PageUp => model.step(-10),
        KeyCode::PageDown => model.step(10),
        KeyCode::Home => model.step(isize::MIN),
        KeyCode::End => model.step(isize::MAX),
        KeyCode::Char('p') => model.is_paused = !model.is_paused,
        KeyCode::Enter if model.focus == Focus::Values => model.focus = Focus::Fields,
        KeyCode::Char('e') | KeyCode::Enter => match model.selected_field() {
            Some((target, path, text)) => model.edit = Some(Edit::new(target, path, text)),
            None => "only a field, or a value of an arena, can be edited".clone_into(&mut model.message),
        },
        _ => {}
    }
    model.look()?;
    Ok(true)
}
