//! An order book in shared memory: a struct for each order, matched by several processes that are killed at their work.
//!
//! ```sh
//! cargo run --release --example order_book
//! ```
//!
//! The orders are values of an arena without keys. The book, which has a key, holds their ids. A trade changes two orders, the
//! bid and the ask, in one transaction: whenever its process dies, both have changed or neither. The parent takes
//! snapshots of all orders, in memory that it can only read. In each snapshot the same number of pieces must be bought and sold,
//! for the same money. One process stops between the two halves of a trade and is killed by SIGKILL; then others are killed
//! at random moments. The exit status is 1 if any of these promises is broken.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Signal, set_parent_process_death_signal};
use shared_value::{Access, Arena, Error, Id, LockState, ReadOnly, SharedValue, Source, Synchronized};

const MATCHERS: usize = 3;
/// The number of orders on each side.
const ORDERS: usize = 12;
/// The pieces of each order.
const QUANTITY: u32 = 40_000;
/// The most pieces of one trade.
const LOT: u32 = 10;
/// The number of processes that are killed at random moments.
const KILLS: u32 = 20;

/// Longer than any step takes, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
enum Side {
    Bid,
    Ask,
}

/// An order, and the trades of it so far.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Order {
    side: Side,
    /// In cents for a piece: the highest price that a bid pays, or the lowest that an ask accepts.
    limit: u32,
    left: u32,
    filled: u32,
    /// In cents, for all filled pieces.
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

/// The ids of the orders. The book lies in the arena under the key `book`.
#[derive(SharedValue, Clone, Copy, Debug)]
#[repr(C)]
struct Book {
    bids: [Id<Order>; ORDERS],
    asks: [Id<Order>; ORDERS],
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
    /// Checks that the same pieces were bought and sold, for the same cents. Returns the number of pieces.
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
            ensure!(order.cents >= filled * least, "the order was sold below its limit: {order:?}");
            ensure!(order.cents <= filled.saturating_mul(most), "the order paid more than its limit: {order:?}");
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
    fn open(arena: &Arena<A>) -> Result<Self> {
        let book = arena.get::<Book>("book")?.context("the arena has no book")?.load()?;
        let open = |id| arena.get(id)?.context("an order is missing");
        let open_all = |ids: [Id<Order>; ORDERS]| ids.into_iter().map(open).collect::<Result<Vec<_>>>();
        Ok(Self { bids: open_all(book.bids)?, asks: open_all(book.asks)? })
    }

    fn snapshot(&self, arena: &Arena<A>) -> Result<Moment> {
        Ok(arena.snapshot(|snapshot| {
            let load = |orders: &[Synchronized<Order, A>]| {
                orders.iter().map(|order| snapshot.load(order)).collect::<Result<_, _>>()
            };
            Ok(Moment { bids: load(&self.bids)?, asks: load(&self.asks)? })
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

/// The work of a matcher, until no two orders can trade.
fn match_orders(hangs: bool) -> Result<()> {
    // If the parent is killed, a matcher that waits would otherwise never end.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let arena = Arena::open(Source::inherited("ARENA"))?;
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
    Ok(arena.transaction(|tx| {
        // In a random order, which is safe: a transaction that might deadlock with another starts again.
        let (bid, ask) = if bid_first {
            let bid = tx.lock(bid)?;
            (bid, tx.lock(ask)?)
        } else {
            let ask = tx.lock(ask)?;
            (tx.lock(bid)?, ask)
        };
        // Computed under the locks, because another process may have traded these orders meanwhile.
        let quantity = wanted.min(bid.left()).min(ask.left());
        let price = ask.limit();
        bid.update(|order| order.fill(quantity, price))?;
        if hangs {
            // A bug might do this: the buyer has bought, and the seller has not sold.
            println!("halfway");
            loop {
                thread::park();
            }
        }
        ask.update(|order| order.fill(quantity, price))
    })?)
}

/// The work of the parent: it writes the orders, starts the matchers, watches them, and kills some.
fn supervise() -> Result<()> {
    let arena = Arena::new(16 << 20)?;
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
        // At a random moment after a number of trades. All trades together are at least half of the best choice of pairs, which
        // is at least five orders: there are always trades left.
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
        ensure!(began.elapsed() < PATIENCE, "the matchers do not finish");
    }
    for matcher in &mut matchers {
        ensure!(matcher.0.wait()?.success(), "a matcher failed");
    }

    let recoveries: u64 = orders.bids.iter().chain(&orders.asks).map(Synchronized::recoveries).sum();
    println!("{KILLS} more matchers got a SIGKILL at random moments; {} of the locks had a dead owner", recoveries - 2);
    println!("{} snapshots, in each of which every piece that was bought was sold", watch.snapshots);
    println!(
        "{} pieces were traded in {:.0?}; the rest is too expensive for the remaining buyers",
        watch.filled,
        began.elapsed()
    );
    Ok(())
}

/// Half of the buyers pay the price of most sellers; a few orders find no partner.
fn write_orders(arena: &Arena) -> Result<()> {
    // The book with all orders, or nothing.
    arena.transaction(|tx| {
        let write = |side, first: u32| {
            let id = |number: u32| tx.alloc(Order::new(side, first + 2 * number));
            let ids = (0..).take(ORDERS).map(id).collect::<Result<Vec<_>, _>>()?;
            Ok::<[Id<Order>; ORDERS], Error>(ids.try_into().expect("as many ids as orders"))
        };
        tx.insert("book", Book { bids: write(Side::Bid, 1_000)?, asks: write(Side::Ask, 1_001)? }).map(drop)
    })?;
    Ok(())
}

/// Takes snapshots and checks each of them, in memory that this process can only read.
struct Watch {
    arena: Arena<ReadOnly>,
    orders: Orders<ReadOnly>,
    snapshots: u64,
    /// The pieces that had been bought, and sold, in the last snapshot.
    filled: u64,
}

impl Watch {
    fn new(arena: &Arena) -> Result<Self> {
        let arena = arena.read_only()?;
        Ok(Self { orders: Orders::open(&arena)?, arena, snapshots: 0, filled: 0 })
    }

    /// Takes one more snapshot, and checks it. Returns whether no two orders can trade any more.
    fn look(&mut self) -> Result<bool> {
        let moment = self.orders.snapshot(&self.arena)?;
        self.filled = moment.check()?;
        self.snapshots += 1;
        Ok(moment.pairs().is_empty())
    }
}

/// A child process, which is killed when this is dropped.
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
