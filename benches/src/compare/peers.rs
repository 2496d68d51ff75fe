//! `Peers`: programs that do the work in another language, or with libraries that take long to build.
//!
//! Their sources lie in `peers/`, and the comparison builds them when it begins. A program that cannot be built is absent, with
//! the reason. The protocol is text in lines. A program prints:
//!
//! - `version TEXT`,
//! - `offer CASE CONTESTANT` for each contestant that it has,
//! - `ready`.
//!
//! Then it reads requests `NUMBER MICROSECONDS`: the number of the offer, counted from 0, and the duration. It answers each
//! request with one line: `ok value=FIGURE fact=FIGURE ..`, or `failed REASON`.

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;

use crate::measure::{Absence, Contestant, Entry, Reading};
use crate::process::cores;

/// A program, and how to build it.
struct Recipe {
    name: &'static str,
    build: fn(&Folders) -> Result<Command>,
}

const RECIPES: &[Recipe] = &[
    Recipe { name: "Boost.Interprocess", build: |folders| folders.compile("boost.cpp", "boost") },
    Recipe { name: "Python multiprocessing", build: |folders| folders.interpret("python3", "python.py") },
    Recipe { name: "iceoryx2 blackboard", build: |folders| folders.cargo("iceoryx2") },
    Recipe { name: "mmap-sync", build: |folders| folders.cargo("mmap_sync") },
];

/// Where the programs lie.
struct Folders {
    sources: PathBuf,
    built: PathBuf,
}

impl Folders {
    fn new() -> Result<Self> {
        let program = env::current_exe()?;
        let built = program.parent().context("this program lies in no folder")?.join("peers");
        std::fs::create_dir_all(&built)?;
        Ok(Self { sources: Path::new(env!("CARGO_MANIFEST_DIR")).join("peers"), built })
    }

    fn compile(&self, source: &str, program: &str) -> Result<Command> {
        let program = self.built.join(program);
        let mut compiler = Command::new("g++");
        compiler.args(["-O2", "-std=c++17", "-o"]).arg(&program).arg(self.sources.join(source));
        succeed(compiler.args(["-lrt", "-lpthread"]))?;
        Ok(Command::new(program))
    }

    fn interpret(&self, interpreter: &str, source: &str) -> Result<Command> {
        succeed(Command::new(interpreter).arg("--version"))?;
        let mut command = Command::new(interpreter);
        command.arg(self.sources.join(source));
        Ok(command)
    }

    fn cargo(&self, package: &str) -> Result<Command> {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]);
        cargo.arg(self.sources.join(package).join("Cargo.toml")).arg("--target-dir").arg(&self.built);
        succeed(&mut cargo)?;
        Ok(Command::new(self.built.join("release").join(package)))
    }
}

/// Runs a command that must succeed. If it fails, the error is its first line of errors.
fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let error = errors.lines().find(|line| line.contains("error")).or(errors.lines().next()).unwrap_or("no message");
    bail!("{program}: {error}")
}

/// All programs that could be started.
pub(super) struct Peers {
    programs: Vec<Rc<RefCell<Program>>>,
    absent: Vec<Absence>,
}

impl Peers {
    /// Builds and starts the programs. The first build takes minutes.
    pub(super) fn start() -> Self {
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(Duration::from_millis(100));
        let (mut programs, mut absent) = (Vec::new(), Vec::new());
        for recipe in RECIPES {
            spinner.set_message(format!("building {}", recipe.name));
            let started = Folders::new().and_then(|folders| (recipe.build)(&folders)).and_then(Program::start);
            match started {
                Ok(program) => programs.push(Rc::new(RefCell::new(program))),
                Err(error) => {
                    absent.push(Absence { contestant: recipe.name.to_owned(), reason: format!("{error:#}") });
                }
            }
        }
        spinner.finish_and_clear();
        Self { programs, absent }
    }

    /// Returns the contestants of a case.
    pub(super) fn entries(&self, case: &str) -> Vec<Entry> {
        let mut entries = Vec::new();
        for program in &self.programs {
            for (number, offer) in program.borrow().offers.iter().enumerate() {
                if offer.case == case {
                    let peer = Peer { name: offer.contestant.clone(), number, program: Rc::clone(program) };
                    entries.push(Entry::Present(Box::new(peer)));
                }
            }
        }
        entries
    }

    /// Ends the programs, and returns which ones were absent and the versions of the others.
    pub(super) fn end(self) -> (Vec<Absence>, Vec<String>) {
        let versions = self.programs.iter().map(|program| program.borrow().version.clone()).collect();
        (self.absent, versions)
    }
}

/// A running program.
struct Program {
    child: Child,
    /// Closed first, which makes the program end.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    version: String,
    offers: Vec<Offer>,
}

struct Offer {
    case: String,
    contestant: String,
}

impl Program {
    fn start(mut command: Command) -> Result<Self> {
        let program = command.get_program().display().to_string();
        let mut child = cores::with_cores(&mut command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("the pipe was taken")?);
        let mut started = Self { child, input, output, version: String::new(), offers: Vec::new() };
        loop {
            let line = started.line().with_context(|| format!("start {program}"))?;
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("ready", _) => return Ok(started),
                ("version", version) => version.clone_into(&mut started.version),
                ("offer", offer) => {
                    let (case, contestant) = offer.split_once(' ').context("an offer names no contestant")?;
                    started.offers.push(Offer { case: case.to_owned(), contestant: contestant.to_owned() });
                }
                _ => bail!("{program} printed {line:?} instead of an offer"),
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the program has ended");
        Ok(line.trim_end().to_owned())
    }

    fn measure(&mut self, number: usize, duration: Duration) -> Result<Reading> {
        let input = self.input.as_mut().context("the pipe was taken")?;
        writeln!(input, "{number} {}", duration.as_micros())?;
        input.flush()?;
        let line = self.line()?;
        let Some(figures) = line.strip_prefix("ok ") else { bail!("{}", line.trim_start_matches("failed ")) };
        let mut reading = Reading::of(f64::NAN);
        for figure in figures.split_whitespace() {
            let (name, value) = figure.split_once('=').context("a figure has no name")?;
            let value: f64 = value.parse().with_context(|| format!("parse the figure {figure:?}"))?;
            match name {
                "value" => reading.value = value,
                _ => reading = reading.with(&name.replace('_', " ").replace("wait us", "wait, µs"), value),
            }
        }
        ensure!(reading.value.is_finite(), "no value in the answer {line:?}");
        Ok(reading)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        // The program ends when its input is closed. Nothing depends on its status.
        let _ = self.child.wait();
    }
}

/// A contestant of a program.
struct Peer {
    name: String,
    number: usize,
    program: Rc<RefCell<Program>>,
}

impl Contestant for Peer {
    fn name(&self) -> &str {
        &self.name
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        self.program.borrow_mut().measure(self.number, duration)
    }
}
