# SPDX-License-Identifier: Apache-2.0
# To be sourced. with_progress LABEL LOG COMMAND…: runs the command with its output in LOG; on a terminal, a line says
# every second how far it is by the log's last count ([12/345] of ninja, 12/345 of ctest). Answers the command's status.
with_progress() {
  local label=$1 log=$2 command status count start=$SECONDS
  shift 2
  # A process group of its own, so that all of the command ends with this script: what a script starts beside it would
  # not hear Ctrl-C.
  set -m
  "$@" >"$log" 2>&1 </dev/null &
  command=$!
  set +m
  trap 'kill -TERM -- "-$command" 2>/dev/null; trap - INT TERM; kill -INT $$' INT TERM
  if [ -t 2 ] && [ "${TERM:-dumb}" != dumb ]; then
    while kill -0 "$command" 2>/dev/null; do
      count=$(tail -c 4096 "$log" 2>/dev/null | grep -aoE '(\[| |^)[0-9]+/[0-9]+' | tail -n 1 | tr -d '[ ')
      printf '\r\033[K%s: %s%d s' "$label" "${count:+$count, }" $((SECONDS - start)) >&2
      sleep 1
    done
    printf '\r\033[K' >&2
  fi
  wait "$command"
  status=$?
  trap - INT TERM
  return $status
}
