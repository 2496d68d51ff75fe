use shared_value::Synchronized;

fn main() {
    let _ = Synchronized::new(String::new());
}
