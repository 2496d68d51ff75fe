//! Draws the model.

use std::time::{Duration, Instant};

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Sparkline};

use crate::output::escaped;
use crate::survey::Kind;
use crate::top::field::Field;
use crate::top::model::{Focus, Model, Row, Shown};

/// How long a change is highlighted.
const FRESH: Duration = Duration::from_secs(1);

pub(super) fn draw(model: &Model, frame: &mut Frame<'_>) {
    let [body, last] = Layout::vertical([Constraint::Min(1), Constraint::Length(1)]).areas(frame.area());
    let left = (body.width * 2 / 5).clamp(20, 50).min(body.width);
    let [values, right] = Layout::horizontal([Constraint::Length(left), Constraint::Min(0)]).areas(body);
    draw_values(model, frame, values);
    let [facts, fields, history] =
        Layout::vertical([Constraint::Length(4), Constraint::Min(3), Constraint::Length(5)]).areas(right);
    draw_facts(model, frame, facts);
    draw_fields(model, frame, fields);
    draw_history(model, frame, history);
    draw_last(model, frame, last);
}

fn block(title: &str, has_focus: bool) -> Block<'static> {
    let style =
        if has_focus { Style::new().add_modifier(Modifier::BOLD) } else { Style::new().add_modifier(Modifier::DIM) };
    Block::new().borders(Borders::TOP).border_style(style).title(escaped(title).into_owned())
}

/// Returns the first line to show, so that the selected one is visible.
fn first(selected: usize, height: u16) -> usize {
    let height = usize::from(height.max(1));
    if selected < height { 0 } else { selected + 1 - height }
}

/// Cuts text, or fills it up with spaces.
fn fitted(text: &str, width: usize) -> String {
    let text = escaped(text);
    let count = text.chars().count();
    if count <= width {
        return format!("{text}{}", " ".repeat(width - count));
    }
    let kept: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{kept}{}", &".."[..width.min(2)])
}

/// Cuts the beginning of text that is too long: its end is where a person types.
fn end_of(text: &str, width: usize) -> String {
    let text = escaped(text);
    let skipped = text.chars().count().saturating_sub(width);
    text.chars().skip(skipped).collect()
}

fn draw_values(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let title = format!(" {} values ", model.rows.len());
    let block = block(&title, model.focus == Focus::Values);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inside.width).saturating_sub(1);
    let name_width = width.saturating_sub(9);
    let start = first(model.selected, inside.height);
    let rows = model.rows.iter().enumerate().skip(start).take(inside.height.into());
    let lines: Vec<_> = rows
        .map(|(number, row)| {
            let mark = match (&row.owner, row.entry.kind) {
                (_, Kind::Unusable) => "!",
                (Some((owner, _)), _) if owner.stopped => "S",
                (Some(_), _) => "*",
                _ => " ",
            };
            let rate = if row.rate > 0.0 { format!("{:.0}/s", row.rate) } else { String::new() };
            let text = format!("{mark}{} {rate:>7}", fitted(&row.entry.name, name_width.saturating_sub(1)));
            Line::styled(fitted(&text, width), style_of(row, number == model.selected))
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

fn style_of(row: &Row, is_selected: bool) -> Style {
    let style = match (&row.owner, row.entry.kind) {
        (_, Kind::Unusable) => Style::new().fg(Color::Red),
        (Some((owner, _)), _) if owner.stopped => Style::new().fg(Color::Red),
        (Some(_), _) => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    };
    if is_selected { style.add_modifier(Modifier::REVERSED) } else { style }
}

fn draw_facts(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let block = block(&format!(" {} ", model.name()), false);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let Some(row) = model.rows.get(model.selected) else { return };
    let entry = &row.entry;
    let kind = match (&model.shown, entry.kind) {
        (Shown::Nothing(text), _) => text.clone(),
        (_, Kind::Arena) => format!("Arena of {} values", model.fields.len()),
        (Shown::Value(value), _) => {
            let version = value.version().map_or_else(|| "live".to_owned(), |version| format!("version {version}"));
            format!("{}, {} bytes, {version}", entry.type_name, entry.size.unwrap_or(0))
        }
        _ => String::new(),
    };
    let lock = match &row.owner {
        Some((owner, since)) => {
            format!("lock held by {} for {:.1} s", owner.short(), since.elapsed().as_secs_f64())
        }
        None => format!(
            "lock {}",
            if entry.lock.as_ref().is_some_and(|lock| lock.kind == "none") { "none" } else { "free" }
        ),
    };
    let users: Vec<_> = entry.users.iter().map(|user| format!("{} ({})", user.process, user.command)).collect();
    let style = style_of(row, false);
    let lines = vec![
        Line::raw(escaped(&kind).into_owned()),
        Line::styled(escaped(&lock).into_owned(), style),
        Line::raw(
            escaped(&format!("open in {}", if users.is_empty() { "-".to_owned() } else { users.join(", ") }))
                .into_owned(),
        ),
    ];
    frame.render_widget(Paragraph::new(lines), inside);
}

fn draw_fields(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let block = block(" fields ", model.focus == Focus::Fields);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let width = usize::from(inside.width);
    let longest = |length: &dyn Fn(&Field) -> usize| model.fields.iter().take(500).map(length).max().unwrap_or(0);
    let path_width = longest(&|field| field.path.chars().count()).min(width / 2);
    let kind_width = longest(&|field| field.kind.chars().count()).min(width / 4);
    let start = first(model.field, inside.height);
    let now = Instant::now();
    let fields = model.fields.iter().enumerate().skip(start).take(inside.height.into());
    let lines: Vec<_> = fields
        .map(|(number, field)| {
            let is_fresh = field.changed.is_some_and(|changed| now.saturating_duration_since(changed) < FRESH);
            let value =
                if is_fresh { Style::new().fg(Color::Green).add_modifier(Modifier::BOLD) } else { Style::new() };
            let line = Line::from(vec![
                Span::raw(fitted(&field.path, path_width)),
                Span::styled(
                    format!(" {} ", fitted(&field.kind, kind_width)),
                    Style::new().add_modifier(Modifier::DIM),
                ),
                Span::styled(escaped(&field.text).into_owned(), value),
            ]);
            let is_selected = number == model.field && model.focus == Focus::Fields;
            if is_selected { line.style(Style::new().add_modifier(Modifier::REVERSED)) } else { line }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
}

fn draw_history(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let Some(field) = model.fields.get(model.field) else { return };
    let (least, most) = field
        .samples
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), sample| (least.min(*sample), most.max(*sample)));
    if field.samples.is_empty() {
        return;
    }
    let block = block(&format!(" {}: {least} to {most} ", field.path), false);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    let skipped = field.samples.len().saturating_sub(inside.width.into());
    let range = if most > least { most - least } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a step from 1 to 100")]
    let step = |sample: &f64| ((sample - least) / range * 99.0) as u64 + 1;
    let data: Vec<u64> = field.samples.iter().skip(skipped).map(step).collect();
    frame.render_widget(Sparkline::default().data(data).max(100), inside);
}

fn draw_last(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    const KEYS: &str = "q quit  arrows move  Tab fields  e edit  p pause  * held  S stopped";
    let text = match &model.edit {
        Some(edit) => end_of(&edit.line(), area.width.into()),
        None if !model.message.is_empty() => model.message.clone(),
        None if model.is_paused => format!("PAUSED  {KEYS}"),
        None => KEYS.to_owned(),
    };
    let line = Line::styled(fitted(&text, area.width.into()), Style::new().add_modifier(Modifier::REVERSED));
    frame.render_widget(line, area);
}
