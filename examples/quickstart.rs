//! x
use shared_value::*;
use std::time::*;
use std::hint::black_box;
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Account { balance: i64, frozen: bool, limits: [u32;4], #[shared(atomic)] requests: u64 }
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Big { a: [u64;8] }
#[derive(SharedValue, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Eight { a: u64, b:u64,c:u64,d:u64,e:u64,f:u64,g:u64,h:u64 }
fn bench(name:&str, mut f: impl FnMut()) {
    let n=2_000_000u64; let mut best=vec![];
    for _ in 0..9 { let t=Instant::now(); for _ in 0..n { f(); } best.push(t.elapsed().as_nanos() as f64/n as f64); }
    best.sort_by(|a,b|a.partial_cmp(b).unwrap());
    println!("{name:45} min {:.2} med {:.2} ns", best[0], best[4]);
}
fn main(){
  let a = SynchronizedAccount::new(Account{balance:1,frozen:false,limits:[1,2,3,4],requests:9}).unwrap();
  println!("{} {:x} {:?}", Account::TYPECODE, Account::FINGERPRINT, a);
  a.set_balance(10).unwrap(); a.update_balance(|b| *b+=10).unwrap(); a.requests_fetch_add(1);
  a.set_limits_at(2,7).unwrap();
  println!("{:?} {:?}", a.load(), a.limits_at(2));
  let m = std::sync::Mutex::new(0u64); let at=std::sync::atomic::AtomicU64::new(0);
  let v = Synchronized::<u64>::new(0).unwrap(); let e=SynchronizedEight::new(Eight{a:0,b:0,c:0,d:0,e:0,f:0,g:0,h:0}).unwrap();
  bench("std mutex", || { *black_box(&m).lock().unwrap()+=1; });
  bench("fetch_add", || { black_box(&at).fetch_add(1, std::sync::atomic::Ordering::AcqRel); });
  bench("get u64", || { black_box(black_box(&v).get()); });
  bench("field of 64", || { black_box(black_box(&e).c()); });
  bench("load 64", || { black_box(black_box(&e).load().unwrap()); });
  bench("lock/unlock", || { black_box(&v).lock().unwrap(); });
  bench("update u64 +=", || { black_box(&v).update(|x| *x+=1).unwrap(); });
  bench("update field of 64", || { black_box(&e).update_c(|x| *x+=1).unwrap(); });
  bench("update whole 64", || { black_box(&e).update(|x| x.d+=1).unwrap(); });
  bench("atomic", || { black_box(&a).requests_fetch_add(1); });
  let mut g=e.lock().unwrap(); let mut i=0;
  bench("commit under held, field", || { i+=1; g.set_a(i); g.commit(); });
  bench("commit under held, whole", || { i+=1; g.store(Eight{a:i,b:i,c:i,d:i,e:i,f:i,g:i,h:i}); g.commit(); });
  bench("re-lock", || { black_box(&e).lock().unwrap(); });
}
