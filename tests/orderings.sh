#!/usr/bin/env bash
# Proves that every memory ordering is needed, and that the models check it: weakens one ordering after the other in a copy, and
# asserts that a model fails each time. Usage: tests/orderings.sh [TEXT that the name of a weakening contains]
set -euo pipefail
cd "$(dirname "$0")/.."

# Each line: the file, the function, the ordering there, its replacement, and the number of the match if it is not the first.
weakenings=(
  "protocol/slots.rs committed load(Ordering::Acquire) load(Ordering::Relaxed)"
  "protocol/slots.rs commit store(next,Ordering::Release) store(next,Ordering::Relaxed)"
  "protocol/slots.rs look load(Ordering::Acquire) load(Ordering::Relaxed)"
  "protocol/slots.rs is_whole fence(Ordering::Acquire); ;"
  "protocol/slots.rs look_decided fence(Ordering::Acquire); ;"
  "protocol/slots.rs settle wrapping_add(next),Ordering::Release wrapping_add(next),Ordering::Relaxed"
  "protocol/slots.rs look_decided load(Ordering::Acquire) load(Ordering::Relaxed)"
  "models/slots.rs transact decide(COMMITTED,Release) decide(COMMITTED,Relaxed)"
  "models/slots.rs transact decide(0,Release) decide(0,Relaxed)"
  "models/slots.rs transact_elsewhere store(OPEN,REUSED) store(OPEN,Relaxed)"
  "protocol/slots.rs prepare fence(Ordering::Release); ;"
  "protocol/slots.rs publish store(next,Ordering::Release) store(next,Ordering::Relaxed) 2"
  "protocol/lock_word.rs take Ordering::Acquire Ordering::Relaxed"
  "protocol/lock_word.rs take_contended Ordering::Acquire Ordering::Relaxed"
  "protocol/lock_word.rs mark_dead Ordering::Release Ordering::Relaxed"
  "protocol/lock_word.rs release Ordering::Release Ordering::Relaxed"
  "protocol/lock_word.rs release_contended Ordering::AcqRel Ordering::Acquire"
  "protocol/lock_word.rs release_contended Ordering::AcqRel Ordering::Release"
  "protocol/lock_word.rs call_back Ordering::AcqRel Ordering::Acquire"
  "protocol/lock_word.rs call_back Ordering::AcqRel Ordering::Release"
  "protocol/unvouched.rs set fence(Ordering::Release); ;"
  "protocol/unvouched.rs is_set fence(Ordering::Acquire); ;"
  "protocol/lock_word.rs retire Ordering::AcqRel Ordering::Acquire"
  "protocol/lock_word.rs retire Ordering::AcqRel Ordering::Release"
  "protocol/lock_word.rs is_retired Ordering::Acquire Ordering::Relaxed"
  "protocol/claims.rs claim in_one_order(); ;"
  "protocol/claims.rs withdraw Ordering::Release Ordering::Relaxed"
  "protocol/claims.rs count_down Ordering::AcqRel Ordering::Acquire"
  "protocol/claims.rs count_down Ordering::AcqRel Ordering::Release"
  "protocol/claims.rs begin_search fence(Ordering::SeqCst); ;"
  "protocol/claims.rs begin_search |UNDER_WAY |0"
  "protocol/claims.rs counters Ordering::Acquire Ordering::Relaxed"
  "protocol/claims.rs show in_one_order(); ;"
  "protocol/claims.rs is_quiet UNDER_WAY==0 UNDER_WAY!=2"
)
# Replaces text in one function of the file. White space in the file does not matter.
weaken='
  my ($function, $from, $to, $number) = @ARGV;
  my $text = do { local $/; <STDIN> };
  my $pattern = join "\\s*", map { quotemeta } split //, $from;
  $text =~ /^( *)[^\n]*\bfn \Q$function\E\b/gm or die "no function $function\n";
  my $end = "\n$1}\n";
  my $count = 0;
  while ($text =~ /$pattern|$end/g) {
    my ($start, $length, $found) = ($-[0], $+[0] - $-[0], $&);
    last if $found !~ /\w/;
    next if ++$count < $number;
    substr($text, $start, $length) = $to;
    print $text;
    exit;
  }
  die "nothing to weaken in $function: $from\n";
'
target=$(realpath -m "${CARGO_TARGET_DIR:-target}/orderings")
rm -rf "$target/copy"
mkdir -p "$target/copy"
tar -c --exclude ./target --exclude ./.git . | tar -xm -C "$target/copy"
export CARGO_TARGET_DIR=$target RUSTFLAGS="--cfg loom"
check() {
  (cd "$target/copy" && timeout 300 cargo test --quiet -p shared-value --lib --release "$@")
}
check >/dev/null
missed=0
for weakening in "${weakenings[@]}"; do
  if (($# > 0)) && [[ $weakening != *"$1"* ]]; then
    continue
  fi
  read -r file function from to number <<<"$weakening"
  source=shared-value/src/$file
  perl -e "$weaken" "$function" "$from" "$to" "${number:-1}" <"$source" >"$target/copy/$source"
  check --no-run 2>/dev/null
  # Only the models that run this state machine.
  case $file in
    */lock_word.rs | */unvouched.rs) machine=models::lock_word ;;
    */claims.rs) machine=models::claims ;;
    *) machine=models::slots ;;
  esac
  if failed=$(check -- "$machine" models::event 2>/dev/null); then
    printf 'MISSED: %s\n' "$weakening"
    missed=1
  else
    models=$(sed -n 's/^    models::\(.*\)$/\1/p' <<<"$failed" | sort -u | xargs)
    printf '%-18s %-28s %-8s seen by %s\n' "$function" "$from" "${to#Ordering::}" "${models:-a model that ended the process}"
  fi
  cp "$source" "$target/copy/$source"
done
exit "$missed"
