//! Programs that do the work in their own language, or with libraries that take long to build.
//!
//! Each lies in `peers/`, and is built when the comparison begins; one that cannot be is absent, with the reason. It
//! prints lines: `version TEXT`, for each thing that it can do `offer CASE CONTESTANT`, then `ready`. Then it reads lines
//! `NUMBER MICROSECONDS`: which of its offers to do, counted from 0, and for how long. It answers with one line:
//! `ok value=FIGURE fact=FIGURE ..`, or `failed REASON`.

use std::cell::RefCell;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;

use crate::case::{Absence, Contestant, Entry, Reading};
use crate::role;

/// A program, and how it comes about.
struct Recipe {
    name: &'static str,
    build: fn(&Places) -> Result<Command>,
}

const RECIPES: &[Recipe] = &[
    Recipe { name: "Boost.Interprocess", build: |places| places.compile("boost.cpp", "boost") },
    Recipe { name: "Python multiprocessing", build: |places| places.interpret("python3", "python.py") },
    Recipe { name: "iceoryx2 blackboard", build: |places| places.cargo("iceoryx2") },
    Recipe { name: "mmap-sync", build: |places| places.cargo("mmap_sync") },
];

/// Where the programs are.
struct Places {
    sources: PathBuf,
    built: PathBuf,
}

impl Places {
    fn new() -> Result<Self> {
        let program = env::current_exe()?;
        let built = program.parent().context("a program in a folder")?.join("peers");
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

/// Runs a command, which has to succeed; if not, the error is the first that it says.
fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {program}"))?;
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let error =
        errors.lines().find(|line| line.contains("error")).or(errors.lines().next()).unwrap_or("it says nothing");
    bail!("{program}: {error}")
}

/// All programs that could be started.
pub struct Foreigners {
    programs: Vec<Rc<RefCell<Program>>>,
    absent: Vec<Absence>,
}

impl Foreigners {
    /// Builds and starts them, which takes minutes for the first time.
    pub fn start() -> Self {
        let spinner = ProgressBar::new_spinner();
        spinner.enable_steady_tick(Duration::from_millis(100));
        let (mut programs, mut absent) = (Vec::new(), Vec::new());
        for recipe in RECIPES {
            spinner.set_message(format!("building {}", recipe.name));
            let started = Places::new().and_then(|places| (recipe.build)(&places)).and_then(Program::start);
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

    /// Those that do the work of a case.
    pub fn entries(&self, case: &str) -> Vec<Entry> {
        let mut entries = Vec::new();
        for program in &self.programs {
            for (number, offer) in program.borrow().offers.iter().enumerate() {
                if offer.case == case {
                    let foreign = Foreign { name: offer.contestant.clone(), number, program: Rc::clone(program) };
                    entries.push(Entry::Present(Box::new(foreign)));
                }
            }
        }
        entries
    }

    /// Who was absent, and the versions of the others.
    pub fn end(self) -> (Vec<Absence>, Vec<String>) {
        let versions = self.programs.iter().map(|program| program.borrow().version.clone()).collect();
        (self.absent, versions)
    }
}

/// A program that runs.
struct Program {
    child: Child,
    /// Closed first, so that the child ends.
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
        let mut child = role::with_cores(&mut command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("a pipe")?);
        let mut started = Self { child, input, output, version: String::new(), offers: Vec::new() };
        loop {
            let line = started.line().with_context(|| format!("start {program}"))?;
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("ready", _) => return Ok(started),
                ("version", version) => version.clone_into(&mut started.version),
                ("offer", offer) => {
                    let (case, contestant) = offer.split_once(' ').context("an offer without a contestant")?;
                    started.offers.push(Offer { case: case.to_owned(), contestant: contestant.to_owned() });
                }
                _ => bail!("{program} says {line:?}"),
            }
        }
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "it has ended");
        Ok(line.trim_end().to_owned())
    }

    fn measure(&mut self, number: usize, duration: Duration) -> Result<Reading> {
        let input = self.input.as_mut().context("a pipe")?;
        writeln!(input, "{number} {}", duration.as_micros())?;
        input.flush()?;
        let line = self.line()?;
        let Some(figures) = line.strip_prefix("ok ") else { bail!("{}", line.trim_start_matches("failed ")) };
        let mut reading = Reading::of(f64::NAN);
        for figure in figures.split_whitespace() {
            let (name, value) = figure.split_once('=').context("a figure without a name")?;
            let value: f64 = value.parse().with_context(|| format!("the figure {figure:?}"))?;
            match name {
                "value" => reading.value = value,
                _ => reading = reading.with(&name.replace('_', " ").replace("wait us", "wait, µs"), value),
            }
        }
        ensure!(reading.value.is_finite(), "no value in {line:?}");
        Ok(reading)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.input.take());
        // It ends when it has nothing more to read; a status is of no interest.
        let _ = self.child.wait();
    }
}

/// Something that a program does.
struct Foreign {
    name: String,
    number: usize,
    program: Rc<RefCell<Program>>,
}

impl Contestant for Foreign {
    fn name(&self) -> &str {
        &self.name
    }

    fn measure(&mut self, duration: Duration) -> Result<Reading> {
        self.program.borrow_mut().measure(self.number, duration)
    }
}
