#!/usr/bin/env bash
# Cargo calls this in place of the compiler, for the crates of the workspace alone, so the other crates are built once.
exec "$@" --cfg shared_value_word_by_word
