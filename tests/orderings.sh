#!/usr/bin/env bash
# Proves that every memory ordering is needed, and that the models check it: builds a copy in which each ordering can be weakened,
# weakens one after the other, and asserts that a model fails each time.
# Usage: tests/orderings.sh [TEXT that the name of a weakening contains]
set -euo pipefail
cd "$(dirname "$0")/.."

# Each line: the model that must fail, the file, the function, the ordering there, its replacement, and the number of the match if
# it is not the first.
weakenings=(
  "event::a_change_wakes_its_waiter protocol/slots.rs committed load(Ordering::Acquire) load(Ordering::Relaxed)"
  "slots::a_reader_sees_one_version protocol/slots.rs commit store(next,Ordering::Release) store(next,Ordering::Relaxed)"
  "slots::a_reader_sees_one_version protocol/slots.rs look load(Ordering::Acquire) load(Ordering::Relaxed)"
  "slots::a_reader_sees_one_version protocol/slots.rs is_whole fence(Ordering::Acquire); ;"
  "slots::a_version_is_joined_again protocol/slots.rs look_decided fence(Ordering::Acquire); ;"
  "slots::transactions_that_follow_each_other_are_seen_whole protocol/slots.rs settle wrapping_add(next),Ordering::Release wrapping_add(next),Ordering::Relaxed"
  "slots::a_transaction_is_seen_whole protocol/slots.rs look_decided load(Ordering::Acquire) load(Ordering::Relaxed)"
  "slots::a_transaction_is_seen_whole models/slots.rs transact decide(COMMITTED,Release) decide(COMMITTED,Relaxed)"
  "slots::a_version_is_joined_again models/slots.rs transact decide(0,Release) decide(0,Relaxed)"
  "slots::a_record_is_used_again_for_other_values models/slots.rs transact_elsewhere store(OPEN,REUSED) store(OPEN,Relaxed)"
  "slots::a_reader_sees_one_version protocol/slots.rs prepare fence(Ordering::Release); ;"
  "slots::a_reader_sees_one_version_of_what_is_published protocol/slots.rs publish store(next,Ordering::Release) store(next,Ordering::Relaxed) 2"
  "lock_word::three_threads_exclude_and_wake_each_other protocol/lock_word.rs take Ordering::Acquire Ordering::Relaxed"
  "lock_word::three_threads_exclude_and_wake_each_other protocol/lock_word.rs take_contended Ordering::Acquire Ordering::Relaxed"
  "lock_word::a_thread_that_ends_is_succeeded protocol/lock_word.rs mark_dead Ordering::Release Ordering::Relaxed"
  "lock_word::three_threads_exclude_and_wake_each_other protocol/lock_word.rs release Ordering::Release Ordering::Relaxed"
  "lock_word::three_threads_exclude_and_wake_each_other protocol/lock_word.rs release_contended Ordering::AcqRel Ordering::Acquire"
  "event::a_change_wakes_its_waiter protocol/lock_word.rs release_contended Ordering::AcqRel Ordering::Release"
  "event::a_change_wakes_its_waiter protocol/lock_word.rs call_back Ordering::AcqRel Ordering::Acquire"
  "event::a_change_wakes_its_waiter protocol/lock_word.rs call_back Ordering::AcqRel Ordering::Release"
  "lock_word::an_owner_that_nothing_vouches_for_is_known protocol/unvouched.rs set fence(Ordering::Release); ;"
  "lock_word::an_owner_that_nothing_vouches_for_is_known protocol/unvouched.rs is_set fence(Ordering::Acquire); ;"
  "lock_word::a_retired_lock_is_taken_by_none protocol/lock_word.rs retire Ordering::AcqRel Ordering::Acquire"
  "event::a_retirement_wakes_its_waiter protocol/lock_word.rs retire Ordering::AcqRel Ordering::Release"
  "lock_word::a_retired_lock_is_taken_by_none protocol/lock_word.rs is_retired Ordering::Acquire Ordering::Relaxed"
  "event::a_change_in_an_arena_wakes_a_watcher protocol/event.rs order fence(Ordering::SeqCst); ;"
  "claims::a_value_that_is_open_keeps_its_space protocol/claims.rs claim in_one_order(); ;"
  "claims::a_value_that_is_open_keeps_its_space protocol/claims.rs withdraw Ordering::Release Ordering::Relaxed"
  "claims::threads_of_a_process_share_a_claim protocol/claims.rs count_down Ordering::AcqRel Ordering::Acquire"
  "claims::threads_of_a_process_share_a_claim protocol/claims.rs count_down Ordering::AcqRel Ordering::Release"
  "claims::a_value_that_is_open_keeps_its_space protocol/claims.rs begin_search fence(Ordering::SeqCst); ;"
  "claims::a_child_inherits_a_claim protocol/claims.rs begin_search |UNDER_WAY |0"
  "claims::a_value_that_is_open_keeps_its_space protocol/claims.rs counters Ordering::Acquire Ordering::Relaxed"
  "claims::a_child_inherits_a_claim protocol/claims.rs show in_one_order(); ;"
  "claims::a_child_inherits_a_claim protocol/claims.rs is_quiet searches.load(Ordering::SeqCst)&UNDER_WAY==0 true"
  "claims::a_child_keeps_the_pin_of_what_it_has_inherited protocol/claims.rs is_open count.load(Ordering::Relaxed)!=0 false"
  "lanes::no_addition_is_lost_when_a_lane_is_given_back protocol/lanes.rs is_owned_by owner.load(Ordering::Relaxed)==this true"
  "lanes::no_addition_is_lost_when_a_lane_is_given_back protocol/lanes.rs take Ordering::Acquire Ordering::Relaxed"
  "lanes::no_addition_is_lost_when_a_lane_is_given_back protocol/lanes.rs give_back Ordering::Release Ordering::Relaxed"
  "lanes::an_addition_in_an_owned_lane_tells_what_came_before protocol/lanes.rs add_alone Ordering::Release Ordering::Relaxed"
  "lanes::an_addition_in_a_shared_lane_tells_what_came_before protocol/lanes.rs add_shared Ordering::Release Ordering::Relaxed"
  "lanes::an_addition_in_a_shared_lane_tells_what_came_before protocol/lanes.rs sum Ordering::Acquire Ordering::Relaxed"
)
# Replaces an expression in one function of the file by a choice between it and its replacement. White space in the file does not
# matter.
make_choice='
  my ($function, $from, $to, $match, $choice) = @ARGV;
  # What both have around the expression: calls, and arguments before it.
  my ($before) = ("$from\0$to" =~ /^(.*[(,|])[^\0]*\0\1/);
  my ($after) = ("$from\0$to" =~ /([);]+)\0.*\1$/);
  my ($left, $right) = (length($before // ""), length($after // ""));
  $_ = substr($_, $left, length($_) - $left - $right) for my ($strong, $weak) = ($from, $to);
  my $text = do { local $/; <STDIN> };
  my ($first, $pattern, $last) = map { join "\\s*", map { quotemeta } split // } $before // "", $strong, $after // "";
  $text =~ /^( *)[^\n]*\bfn \Q$function\E\b/gm or die "no function $function\n";
  my $end = "\n$1}\n";
  my $count = 0;
  while ($text =~ /$first\s*($pattern)\s*$last|$end/g) {
    last if !defined $1;
    next if ++$count < $match;
    substr($text, $-[1], $+[1] - $-[1]) = "if crate::is_weakened($choice) { $weak } else { $1 }";
    print $text;
    exit;
  }
  die "nothing to weaken in $function: $from\n";
'
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/orderings")
rm -rf "$target/copy"
mkdir -p "$target/copy"
tar -c --exclude ./target --exclude ./.git . | tar -xm -C "$target/copy"
cat >>"$target/copy/shared-value/src/lib.rs" <<'END'

fn is_weakened(choice: usize) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<usize>> =
        std::sync::LazyLock::new(|| std::env::var("WEAKENED").ok().and_then(|chosen| chosen.parse().ok()));
    *CHOSEN == Some(choice)
}
END
for choice in "${!weakenings[@]}"; do
  read -r _ file function from to match <<<"${weakenings[$choice]}"
  source=shared-value/src/$file
  choices=$(perl -e "$make_choice" "$function" "$from" "$to" "${match:-1}" "$choice" <"$target/copy/$source")
  printf '%s\n' "$choices" >"$target/copy/$source"
done
export CARGO_TARGET_DIR=$target RUSTFLAGS="--cfg loom"
check() {
  (cd "$target/copy" && cargo test --quiet -p shared-value --lib --release "$@")
}
check
missed=0
for choice in "${!weakenings[@]}"; do
  weakening=${weakenings[$choice]}
  if (($# > 0)) && [[ $weakening != *"$1"* ]]; then
    continue
  fi
  read -r model _ function from to _ <<<"$weakening"
  # A model that is not there does not fail either.
  if WEAKENED=$choice check -- --exact "models::$model" &>/dev/null; then
    printf 'MISSED: %s\n' "$weakening"
    missed=1
  else
    printf '%-18s %-28s %-8s seen by %s\n' "$function" "$from" "${to#Ordering::}" "$model"
  fi
done
exit "$missed"
