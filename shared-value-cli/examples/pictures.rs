//! Makes the pictures of `docs/command.md`: runs the real program beside a few processes, and draws its screen.
//!
//! ```sh
//! cargo build -p shared-value-cli && cargo run -p shared-value-cli --example pictures
//! ```

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write as _};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use shared_value::{Arena, FixedStr, SharedValue, unlink};

#[derive(SharedValue, Clone, Copy)]
#[repr(u8)]
enum State {
    Open,
    Frozen,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Account {
    balance: i64,
    state: State,
    owner: FixedStr<15>,
    limits: [u32; 4],
    #[shared(atomic)]
    requests: u64,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Sensor {
    temperature: f64,
    samples: u64,
}

const NAMES: [&str; 3] = ["picture.account", "picture.bank", "picture.sensor"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("hold") {
        // A child of this program that holds the lock of the account.
        let account = SynchronizedAccount::open(NAMES[0])?;
        let _guard = account.lock()?;
        println!("held");
        thread::sleep(Duration::from_secs(60));
        return Ok(());
    }
    let made = make();
    for name in NAMES {
        // Some names may not exist yet, if a step has failed.
        let _ = unlink(name);
    }
    made
}

fn make() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures");
    fs::create_dir_all(&folder)?;
    let _account = SynchronizedAccount::create(
        NAMES[0],
        Account {
            balance: 100,
            state: State::Open,
            owner: FixedStr::new("Ann")?,
            limits: [10, 20, 30, 40],
            requests: 12,
        },
    )?;
    let bank = Arena::create(NAMES[1], 1 << 20)?;
    for (key, balance) in [("alice", 100_i64), ("bob", 250), ("carol", 75)] {
        bank.insert(key, balance)?;
    }
    let sensor = SynchronizedSensor::create(NAMES[2], Sensor { temperature: 20.0, samples: 0 })?;
    let mut holder = hold()?;
    thread::spawn(move || {
        for step in 0_u32.. {
            let changed = sensor.update(|sensor| {
                sensor.samples += 1;
                sensor.temperature = 20.0 + (f64::from(step) / 15.0).sin() * 5.0;
            });
            if changed.is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    });
    let list = Terminal::start(130, 5, &["list", "--color", "always", "picture.*"])?;
    thread::sleep(Duration::from_secs(1));
    fs::write(folder.join("list.svg"), list.picture())?;
    let mut top = Terminal::start(100, 24, &["top", "picture.*"])?;
    // The selection goes to the sensor, and then to its temperature.
    thread::sleep(Duration::from_secs(1));
    top.press("\u{1b}[B\u{1b}[B\t")?;
    thread::sleep(Duration::from_secs(6));
    fs::write(folder.join("top.svg"), top.picture())?;
    top.press("q")?;
    holder.kill()?;
    holder.wait()?;
    Ok(())
}

/// Starts a process that holds the lock of the account.
fn hold() -> Result<Child, Box<dyn Error>> {
    let mut child = Command::new(std::env::current_exe()?).arg("hold").stdout(Stdio::piped()).spawn()?;
    let mut line = [0; 5];
    child.stdout.take().ok_or("no output")?.read_exact(&mut line)?;
    Ok(child)
}

/// The program, in a pseudo-terminal.
struct Terminal {
    child: Child,
    keyboard: File,
    columns: u16,
    rows: u16,
    screen: Arc<Mutex<vt100::Parser>>,
}

impl Terminal {
    fn start(columns: u16, rows: u16, arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&keyboard)?;
        unlockpt(&keyboard)?;
        let device = OpenOptions::new().read(true).write(true).open(ptsname(&keyboard, Vec::new())?.to_str()?)?;
        tcsetwinsize(&device, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
        let length = |length| NonZeroU16::new(length).ok_or("no size");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(length(rows)?, length(columns)?, 0)));
        let keyboard = File::from(keyboard);
        let (mut output, shown) = (keyboard.try_clone()?, Arc::clone(&screen));
        thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = output.read(&mut piece) {
                if let Ok(mut screen) = shown.lock() {
                    screen.process(&piece[..length]);
                }
            }
        });
        let stream = || device.try_clone().map(Stdio::from);
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(program()?)
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(stream()?)
            .stdout(stream()?)
            .stderr(stream()?)
            .spawn()?;
        Ok(Self { child, keyboard, columns, rows, screen })
    }

    fn press(&mut self, keys: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.keyboard.write_all(keys.as_bytes())?)
    }

    /// Draws the screen.
    fn picture(&self) -> String {
        const WIDTH: u16 = 8;
        const HEIGHT: u16 = 17;
        let (width, height) = (self.columns * WIDTH + 16, self.rows * HEIGHT + 16);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"DejaVu Sans \
             Mono,Consolas,monospace\" font-size=\"13\" xml:space=\"preserve\">\n<rect width=\"100%\" height=\"100%\" rx=\"6\" \
             fill=\"#1b1f24\"/>\n"
        );
        let parser = self.screen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for row in 0..self.rows {
            for column in 0..self.columns {
                let Some(cell) = parser.screen().cell(row, column) else { continue };
                let (x, y) = (8 + column * WIDTH, 8 + row * HEIGHT);
                let (mut ink, mut ground) = (color(cell.fgcolor(), "#d7dde4"), color(cell.bgcolor(), "#1b1f24"));
                if cell.inverse() {
                    (ink, ground) = (ground, ink);
                }
                if ground != "#1b1f24" {
                    let _ = writeln!(
                        svg,
                        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{ground}\"/>"
                    );
                }
                let text = cell.contents();
                if text.trim().is_empty() {
                    continue;
                }
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let bold = if cell.bold() { " font-weight=\"bold\"" } else { "" };
                let faint = if cell.dim() { " opacity=\"0.6\"" } else { "" };
                let y = y + 13;
                let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"{ink}\"{bold}{faint}>{text}</text>");
            }
        }
        svg + "</svg>\n"
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the program, which lies beside the folder of this example.
fn program() -> Result<PathBuf, Box<dyn Error>> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent).ok_or("the example lies in a target folder")?;
    Ok(folder.join("shared-value"))
}

fn color(color: vt100::Color, default: &'static str) -> &'static str {
    match color {
        vt100::Color::Idx(1 | 9) => "#f47067",
        vt100::Color::Idx(2 | 10) => "#57ab5a",
        vt100::Color::Idx(3 | 11) => "#daaa3f",
        _ => default,
    }
}
