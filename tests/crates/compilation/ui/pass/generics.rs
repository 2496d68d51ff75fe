use std::fmt::Debug;

use shared_value::SharedValue;

// No parameter is bounded by `SharedValue` here: the macro does that.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Pair<T, U = u8> {
    first: T,
    second: [U; 2],
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Matrix<T: Default, const ROWS: usize, const COLUMNS: usize>
where
    T: Debug,
{
    cells: [[T; COLUMNS]; ROWS],
}

trait Unit {
    type Number;
}

impl Unit for u8 {
    type Number = u16;
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Amount<T: Unit> {
    number: T::Number,
    numbers: [<T as Unit>::Number; 2],
    unit: T,
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Nested<T> {
    pair: Pair<T, T>,
}

// A foreign type is bounded by what `#[shared(pod)]` needs.
#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Body<T, U> {
    #[shared(pod)]
    position: T,
    #[shared(pod)]
    corners: [T; 2],
    mass: U,
}

trait Space {
    type Vector: Copy;
}

#[derive(Clone, Copy)]
struct Plane;

impl Space for Plane {
    type Vector = glam::Vec2;
}

#[derive(SharedValue, Clone, Copy)]
#[repr(C)]
struct Located<S: Space> {
    #[shared(pod)]
    place: S::Vector,
}

fn main() {
    let pair = SynchronizedPair::new(Pair { first: 1_u32, second: [2_u8, 3] }).unwrap();
    pair.in_second().set_at(0, 4).unwrap();
    assert_eq!((pair.first(), pair.second()), (1, [4, 3]));
    let guard: PairGuard<'_, u32, u8> = pair.lock().unwrap();
    assert_eq!(guard.first(), 1);
    drop(guard);

    let matrix = SynchronizedMatrix::new(Matrix::<f32, 2, 3> { cells: [[0.0; 3]; 2] }).unwrap();
    matrix.update_cells(|cells| cells[1][2] = 1.0).unwrap();
    matrix.in_cells().set_at(0, [2.0; 3]).unwrap();
    assert_eq!(matrix.cells(), [[2.0; 3], [0.0, 0.0, 1.0]]);

    let amount = SynchronizedAmount::new(Amount::<u8> { number: 1, numbers: [2, 3], unit: 4 }).unwrap();
    amount.set_number(5).unwrap();
    assert_eq!((amount.number(), amount.in_numbers().at(1), amount.unit()), (5, 3, 4));

    let nested = SynchronizedNested::new(Nested { pair: Pair { first: 'a', second: ['b', 'c'] } }).unwrap();
    nested.update_pair(|pair| pair.first = 'd').unwrap();
    assert_eq!(nested.in_pair().first(), 'd');

    let one = glam::Vec3::ONE;
    let body = SynchronizedBody::new(Body { position: one, corners: [one; 2], mass: 2.0_f64 }).unwrap();
    body.update_position(|position| position.x = 3.0).unwrap();
    body.set_corners([body.position(); 2]).unwrap();
    assert_eq!((body.corners()[1].x, body.mass()), (3.0, 2.0));

    let located = SynchronizedLocated::new(Located::<Plane> { place: glam::Vec2::ONE }).unwrap();
    located.set_place(located.place() + 1.0).unwrap();
    assert_eq!(located.place(), glam::Vec2::splat(2.0));
}
