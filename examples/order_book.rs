//! An order book in shared memory: a struct for each order, matched by several processes that are killed at their work.
//!
//! ```sh
//! cargo run --release --example order_book
//! ```
//!
//! The orders are values of an arena without a name of their own; the book, which has one, knows them by their ids. A
//! trade changes two of them, the bid and the ask, in one transaction: whenever its process dies, both have changed or
//! none. The parent takes snapshots of all orders, in memory that it can only read, and in each of them what was bought
//! must be what was sold, and what was paid what was received. One process stops between the two halves of a trade and gets a
//! SIGKILL; then more of them get one at whatever they do. The exit status is 1 if any of that does not hold.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::{Access, Arena, ArenaValues, Error, LockState, ReadOnly, SharedValue, Synchronized, ValueId};

const MATCHERS: usize = 3;
/// How many orders are on each side.
const ORDERS: usize = 12;
/// How much each order is about.
const QUANTITY: u32 = 40_000;
/// How much one trade is about, at most.
const LOT: u32 = 10;
/// How many processes are killed at whatever they do.
const KILLS: u32 = 20;

/// Nothing here takes so long, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
enum Side {
    Bid,
    Ask,
}

/// An order, and what has come of it so far.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Order {
    side: Side,
    /// In cents: what is paid at most, or taken at least.
    limit: u32,
    left: u32,
    filled: u32,
    /// In cents, for all that is filled.
    cents: u64,
}

impl Order {
    fn new(side: Side, limit: u32) -> Self {
        Self { side, limit, left: QUANTITY, filled: 0, cents: 0 }
    }

    fn fill(&mut self, quantity: u32, price: u32) {
        self.left -= quantity;
        self.filled += quantity;
        self.cents += u64::from(quantity) * u64::from(price);
    }
}

/// Where the orders are. It lies in the arena under the key `book`.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Book {
    bids: [ValueId; ORDERS],
    asks: [ValueId; ORDERS],
}

/// The orders, as a process uses them.
struct Orders<A> {
    bids: Vec<Synchronized<Order, A>>,
    asks: Vec<Synchronized<Order, A>>,
}

/// All orders at one moment.
struct Moment {
    bids: Vec<Order>,
    asks: Vec<Order>,
}

impl Moment {
    /// What has been bought is what has been sold, to the piece and to the cent, at every moment. Returns the pieces.
    fn check(&self) -> Result<u64> {
        let sum = |orders: &[Order]| {
            orders.iter().fold((0, 0), |(filled, cents), order| (filled + u64::from(order.filled), cents + order.cents))
        };
        let (bought, sold) = (sum(&self.bids), sum(&self.asks));
        ensure!(bought == sold, "{bought:?} pieces and cents on one side, {sold:?} on the other");
        for order in self.bids.iter().chain(&self.asks) {
            let (least, most) = match order.side {
                Side::Bid => (0, u64::from(order.limit)),
                Side::Ask => (u64::from(order.limit), u64::MAX),
            };
            let filled = u64::from(order.filled);
            ensure!(order.left + order.filled == QUANTITY, "pieces were lost: {order:?}");
            ensure!(order.cents >= filled * least, "it gave more than it was willing to: {order:?}");
            ensure!(order.cents <= filled.saturating_mul(most), "it paid more than it was willing to: {order:?}");
        }
        Ok(bought.0)
    }

    /// The pairs that can trade with each other.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let can_trade = |bid: &Order, ask: &Order| bid.left > 0 && ask.left > 0 && bid.limit >= ask.limit;
        let of_bid = |(number, bid)| {
            let asks = self.asks.iter().enumerate().filter(move |(_, ask)| can_trade(bid, ask));
            asks.map(move |(ask, _)| (number, ask))
        };
        self.bids.iter().enumerate().flat_map(of_bid).collect()
    }
}

impl<A: Access> Orders<A> {
    fn open(arena: &ArenaValues<A>) -> Result<Self> {
        let book: Book = arena.open::<Book>("book")?.load()?;
        let open = |ids: [ValueId; ORDERS]| ids.into_iter().map(|id| arena.at(id)).collect::<Result<Vec<_>, _>>();
        Ok(Self { bids: open(book.bids)?, asks: open(book.asks)? })
    }

    fn snapshot(&self, arena: &ArenaValues<A>) -> Result<Moment> {
        Ok(arena.snapshot(|snapshot| {
            let load = |orders: &[Synchronized<Order, A>]| {
                orders.iter().map(|order| snapshot.load(order)).collect::<Result<_, _>>()
            };
            Ok::<_, Error>(Moment { bids: load(&self.bids)?, asks: load(&self.asks)? })
        })?)
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => supervise(),
        [hangs] => match_orders(hangs.parse()?),
        _ => bail!("usage: order_book"),
    }
}

/// What each matcher does, until no two orders can trade.
fn match_orders(hangs: bool) -> Result<()> {
    // If the parent is killed, nobody would end a matcher that waits for ever.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let arena = Arena::inherited("ARENA")?;
    let orders = Orders::open(&arena)?;
    for number in 0.. {
        let pairs = orders.snapshot(&arena)?.pairs();
        let Some(&(bid, ask)) = fastrand::choice(&pairs) else { break };
        trade(&arena, &orders.bids[bid], &orders.asks[ask], hangs && number == 500)?;
    }
    Ok(())
}

/// Lets two orders trade with each other, if they still can.
fn trade(arena: &Arena, bid: &Synchronized<Order>, ask: &Synchronized<Order>, hangs: bool) -> Result<()> {
    let (wanted, bid_first) = (fastrand::u32(1..=LOT), fastrand::bool());
    arena.transaction(|transaction| {
        // In either order: whoever would wait in a circle begins again.
        let (mut bid, mut ask) = if bid_first {
            let bid = transaction.lock(bid)?;
            (bid, transaction.lock(ask)?)
        } else {
            let ask = transaction.lock(ask)?;
            (transaction.lock(bid)?, ask)
        };
        // Under the locks: another process may have been faster.
        let quantity = wanted.min(bid.left()).min(ask.left());
        let price = ask.limit();
        bid.update(|order| order.fill(quantity, price))?;
        if hangs {
            // What a bug might do: the buyer has bought, and the seller has not sold.
            println!("halfway");
            loop {
                thread::park();
            }
        }
        ask.update(|order| order.fill(quantity, price))?;
        Ok(())
    })
}

/// What the parent does: writes the orders, starts the matchers, watches them, and kills some.
fn supervise() -> Result<()> {
    let arena = Arena::anonymous(16 << 20)?;
    write_orders(&arena)?;
    let began = Instant::now();
    let mut hanging = Matcher::start(&arena, true)?;
    let mut watch = Watch::new(&arena)?;
    let mut said = String::new();
    BufReader::new(hanging.0.stdout.take().context("the matcher has no output")?).read_line(&mut said)?;
    ensure!(said == "halfway\n", "the matcher failed before it was halfway");

    let orders = Orders::open(&arena)?;
    let held = LockState::Held { thread_id: hanging.0.id() };
    let of_the_trade: Vec<_> =
        orders.bids.iter().chain(&orders.asks).filter(|order| order.lock_state() == held).collect();
    ensure!(of_the_trade.len() == 2, "the matcher holds {} locks", of_the_trade.len());
    let mut matchers = (1..MATCHERS).map(|_| Matcher::start(&arena, false)).collect::<Result<Vec<_>>>()?;
    for _ in 0..1_000 {
        watch.look()?;
    }
    println!("a matcher hangs with half of a trade, which none of 1,000 snapshots shows");
    let killed = Instant::now();
    hanging.0.kill()?;
    for order in &of_the_trade {
        let guard = order.lock_timeout(PATIENCE)?;
        ensure!(guard.left() + guard.filled() == QUANTITY, "half of the trade is there: {order:?}");
    }
    println!("{:.0?} after its SIGKILL both orders are free, and half of the trade is gone", killed.elapsed());
    ensure!(of_the_trade.iter().all(|order| order.recoveries() == 1), "the orders were not recovered");

    for number in 0..KILLS {
        // At whatever that one does when so much has been traded. All trades together are at least half of what the best
        // choice of pairs would make of the orders, and so at least five orders: there is always enough left to do.
        let enough = QUANTITY / 5 * (number + 1) + fastrand::u32(..QUANTITY / 5);
        while watch.filled < u64::from(enough) {
            ensure!(began.elapsed() < PATIENCE, "the matchers do not trade");
            watch.look()?;
        }
        let victim = &mut matchers[number as usize % (MATCHERS - 1)];
        victim.0.kill()?;
        *victim = Matcher::start(&arena, false)?;
    }
    while !watch.look()? {
        ensure!(began.elapsed() < PATIENCE, "the matchers do not come to an end");
    }
    for matcher in &mut matchers {
        ensure!(matcher.0.wait()?.success(), "a matcher failed");
    }

    let recoveries: u64 = orders.bids.iter().chain(&orders.asks).map(Synchronized::recoveries).sum();
    println!(
        "{KILLS} more matchers got a SIGKILL at whatever they did; {} of the locks had a dead owner",
        recoveries - 2
    );
    println!("{} snapshots, in each of which all that was bought was sold", watch.snapshots);
    println!(
        "{} pieces were traded in {:.0?}; what is left is too dear for all who still buy",
        watch.filled,
        began.elapsed()
    );
    Ok(())
}

/// Half of the buyers pay as much as most sellers want; a few orders find nobody.
fn write_orders(arena: &Arena) -> Result<()> {
    let write = |side, limit| -> Result<ValueId> {
        let order = arena.value(Order::new(side, limit))?;
        arena.id_of(&order).context("the order is not where it was made")
    };
    let mut book = Book { bids: [ValueId::from_bits(0); ORDERS], asks: [ValueId::from_bits(0); ORDERS] };
    for (limit, (bid, ask)) in (0..).zip(book.bids.iter_mut().zip(&mut book.asks)) {
        *bid = write(Side::Bid, 1_000 + 2 * limit)?;
        *ask = write(Side::Ask, 1_001 + 2 * limit)?;
    }
    arena.create("book", book)?;
    Ok(())
}

/// Takes snapshots and checks each of them, in memory that this process can only read.
struct Watch {
    arena: Arena<ReadOnly>,
    orders: Orders<ReadOnly>,
    snapshots: u64,
    /// How many pieces had been bought, and sold, in the last one.
    filled: u64,
}

impl Watch {
    fn new(arena: &Arena) -> Result<Self> {
        let arena = arena.read_only()?;
        Ok(Self { orders: Orders::open(&arena)?, arena, snapshots: 0, filled: 0 })
    }

    /// Checks one more; returns whether no two orders can trade any more.
    fn look(&mut self) -> Result<bool> {
        let moment = self.orders.snapshot(&self.arena)?;
        self.filled = moment.check()?;
        self.snapshots += 1;
        Ok(moment.pairs().is_empty())
    }
}

/// A child process, killed if it still runs when it is of no more use.
struct Matcher(Child);

impl Matcher {
    fn start(arena: &Arena, hangs: bool) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(hangs.to_string()).stdout(Stdio::piped());
        arena.pass_to(&mut command, "ARENA")?;
        Ok(Self(command.spawn()?))
    }
}

impl Drop for Matcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
