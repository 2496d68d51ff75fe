#!/usr/bin/env bash
# Runs the tests of the library and those with several processes on aarch64: builds them with a cross compiler, boots Debian's
# kernel in an emulated machine, and runs each test program there. Fails if a program fails, does not end, or does not report.
#
# The emulator executes the accesses of each thread in order, more strictly than a processor does, so this shows nothing
# about memory orderings. It shows the robust list, futexes, signals and single steps of another architecture.
#
# Usage: tests/aarch64.sh [TEST]...     (such as `lib`, `integration`, `kill_points`; without any, all)
# `SHARED_VALUE_KILL_POINTS` and `SHARED_VALUE_STORM_SECONDS` set the length of the kill points (default: `changes:2`, about two
# changes and system calls for each set of words of an operation) and of the storm (default: 5 seconds). Each program may take
# SHARED_VALUE_EMULATED_SECONDS (default: 600): give more on a machine that is busy with something else.
set -euo pipefail
cd "$(dirname "$0")/.."

# Left out: `ui` runs the compiler, `documents` reads the sources, and `python` needs numpy.
left_out=" ui documents python "
triple=aarch64-unknown-linux-gnu
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$target/aarch64
mkdir -p "$work"

missing=()
has() {
  command -v "$1" >/dev/null || missing+=("$2")
}
has qemu-system-aarch64 qemu-system-arm
has aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
has cpio cpio
[[ -e /usr/aarch64-linux-gnu/include/stdio.h ]] || missing+=(libc6-dev-arm64-cross)
if ((${#missing[@]} > 0)); then
  apt-get update -q && apt-get install -qy --no-install-recommends "${missing[@]}"
fi
rustup target add "$triple"

# The packages of the emulated machine, by an apt that knows no other packages.
system=$work/system
if [[ ! -e $work/complete ]]; then
  packages=$work/packages
  rm -rf "$packages" "$system"
  mkdir -p "$packages"/{lists,archives}/partial "$system"
  touch "$packages/status"
  cat >"$packages/configuration" <<CONFIGURATION
Dir::State::Lists "$packages/lists";
Dir::State::status "$packages/status";
Dir::Cache "$packages";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
CONFIGURATION
  (
    cd "$packages"
    export APT_CONFIG=$packages/configuration
    apt-get update -q
    kernel=$(apt-cache depends linux-image-arm64 | sed -n 's/^ *Depends: //p')
    apt-get download -q "$kernel" busybox-static libc6 libgcc-s1
    for package in *.deb; do
      dpkg-deb -x "$package" "$system"
    done
  )
  rm -rf "$packages"
  touch "$work/complete"
fi

echo "=== building"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
# Tests wait longer for what must happen.
export SHARED_VALUE_EMULATED=1
# Code that is not optimized at all takes several times as long. Assertions stay, and the smaller counts that come with them.
export CARGO_PROFILE_DEV_OPT_LEVEL=1
chosen=(--lib --tests)
if (($# > 0)); then
  chosen=(--lib)
  for name; do
    [[ $name == lib || $name == tools ]] || chosen+=(--test "$name")
  done
fi
cargo test --no-run --target "$triple" -p shared-value -p shared-value-tests --bins "${chosen[@]}" 2>&1 | tee "$work/build"

echo "=== packing"
root=$work/root
rm -rf "$root"
# Tests find their programs and their files by the paths that they had when they were compiled.
here=$root$PWD
programs=$target/$triple/debug
mkdir -p "$root"/{bin,dev,proc,sys,tests,tmp,lib/aarch64-linux-gnu} "$here" "$root$programs"
cp "$system/bin/busybox" "$root/bin/"
ln -s busybox "$root/bin/sh"
cp -P "$system"/lib/ld-linux-aarch64.so.1 "$root/lib/"
cp "$system"/lib/aarch64-linux-gnu/{ld-linux-aarch64.so.1,libc.so.6,libm.so.6,libgcc_s.so.1} "$root/lib/aarch64-linux-gnu/"
cp -r --parents tests/c fuzz/corpus docs "$here/"
# The machine has no C compiler.
aarch64-linux-gnu-gcc -std=c11 -D_GNU_SOURCE -Wall -Werror -O2 -pthread -o "$root/tests/counter" tests/c/counter.c
for program in worker victim partner hazard; do
  # Built for integration tests only.
  [[ -e $programs/$program ]] || continue
  aarch64-linux-gnu-strip -S -o "$root$programs/$program" "$programs/$program"
done

tests=()
while read -r source program; do
  name=$(basename "$source" .rs)
  [[ $name == main ]] && name=$(basename "$(dirname "$source")")
  # The two libraries have their tests in a file of one name.
  [[ $program == *shared_value_tests-* ]] && name=tools
  [[ $left_out == *" $name "* ]] && continue
  if (($# > 0)) && [[ " $* " != *" $name "* ]]; then
    continue
  fi
  aarch64-linux-gnu-strip -S -o "$root/tests/$name" "$program"
  tests+=("$name")
done < <(sed -n 's/^ *Executable \(unittests \)\?\([^ ]*\) (\(.*\))$/\2 \3/p' "$work/build")
if ((${#tests[@]} == 0)); then
  echo "no test is named $*"
  exit 1
fi

limit=${SHARED_VALUE_EMULATED_SECONDS:-600}
# A report is one line on the console.
cat >"$root/init" <<INIT
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
ip link set lo up
export SHARED_VALUE_KILL_POINTS=${SHARED_VALUE_KILL_POINTS:-changes:2} SHARED_VALUE_STORM_SECONDS=${SHARED_VALUE_STORM_SECONDS:-5}
export RUST_BACKTRACE=0 SHARED_VALUE_C_PROGRAM=/tests/counter
cd $PWD/tests
for test in ${tests[*]}; do
  start=\$(cut -d. -f1 /proc/uptime)
  : >/tests/output
  tail -f /tests/output &
  timeout -s KILL $limit /tests/\$test >>/tests/output 2>&1 </dev/null
  status=\$?
  # It looks once a second.
  sleep 2
  kill \$!
  echo
  echo "REPORT \$test \$status \$((\$(cut -d. -f1 /proc/uptime) - start)) \$(grep '^test result' /tests/output)"
done
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initramfs"

echo "=== running ${#tests[@]} programs on an emulated aarch64"
# `max` has atomic instructions in one piece: single steps through loops of load-exclusive and store-exclusive would never end.
timeout -k 10 $((limit * 6)) qemu-system-aarch64 -machine virt -cpu max,pauth-impdef=on -accel tcg,thread=multi -smp 2 -m 4G \
  -nodefaults -no-user-config -display none -serial stdio -no-reboot \
  -kernel "$system"/boot/vmlinuz-* -initrd "$work/initramfs" \
  -append "console=ttyAMA0 quiet panic=-1" </dev/null | sed -u 's/\r$//' | tee "$work/console"

failed=0
for test in "${tests[@]}"; do
  if ! grep -q "^REPORT $test 0 .*test result: ok" "$work/console"; then
    echo "failed on aarch64: $test"
    failed=1
  fi
done
awk '/^REPORT/ { programs++; seconds += $4; for (i = 5; i < NF; i++) if ($(i + 1) == "passed;") passed += $i }
  END { printf "%d programs, %d tests passed, %d seconds\n", programs, passed, seconds }' "$work/console"
exit "$failed"
