#!/usr/bin/env bash
# Records and asks from a shell, with nothing but grpcurl or buf, and jq.
# Usage: collections.sh record DEVICE "YYYY-MM-DD HH:MM:SS" NOTES COINS
#        collections.sh total DAY [LAST_DAY]
#        collections.sh missing DAY [LAST_DAY]
# AQUIFER says where the server is: 127.0.0.1:50051 unless set.
set -euo pipefail

server=${AQUIFER:-127.0.0.1:50051}
service=aquifer.v1.CollectionRepository

# Calls a method with a request in JSON and prints the answer, or says what was wrong and fails.
call() {
  if command -v grpcurl >/dev/null; then
    grpcurl -plaintext -d "$2" "$server" "$service/$1"
  else
    buf curl --http2-prior-knowledge --protocol grpc --data "$2" "http://$server/$service/$1"
  fi
}

day() { jq -nc --arg day "$1" '$day | split("-") | map(tonumber) | {year: .[0], month: .[1], day: .[2]}'; }
days() { jq -nc --argjson first "$(day "$1")" --argjson last "$(day "$2")" '{$first, $last}'; }
# Kopiykas as hryvnias, by text: no float ever holds an amount.
money='def money: (. // "0") | tostring | if length < 3 then ("00" + .)[-3:] else . end | .[:-2] + "." + .[-2:];'

case ${1:-} in
  record)
    # Sent again, it changes nothing: the device and the time name the line.
    request=$(jq -nc --arg device "$2" --arg time "$3" --arg notes "$4" --arg coins "$5" \
      '{line: {device_id: $device, wall_time: $time, banknotes_text: $notes, coins_text: $coins}}')
    call RecordCollection "$request" | jq -r "$money"' .outcome + " " + (.collection.totalMinor | money)'
    ;;
  total)
    request=$(jq -nc --argjson days "$(days "$2" "${3:-$2}")" \
      '{filter: {days: $days}, group_by: ["GROUPING_DEVICE"], order: "SUMMARY_ORDER_TOTAL", limit: 10000}')
    call SummarizeCollections "$request" |
      jq -r "$money"' (.groups[]? | .deviceId + " " + (.totalMinor | money)), "total " + (.total.totalMinor | money)'
    ;;
  missing)
    request=$(jq -nc --argjson days "$(days "$2" "${3:-$2}")" \
      '{days: $days, states: ["FETCH_STATE_NEVER", "FETCH_STATE_FAILED"], page_size: 1000}')
    # Page after page, until the last.
    while
      answer=$(call FindMissing "$request")
      jq -r '.missing[]? | "\(.day.year)-\(.day.month)-\(.day.day) \(.deviceId) \(.state)"' <<<"$answer"
      token=$(jq -r '.nextPageToken // ""' <<<"$answer")
      [[ -n $token ]]
    do
      request=$(jq -c --arg token "$token" '.page_token = $token' <<<"$request")
    done
    ;;
  *)
    sed -n '2,6s/^# //p' "$0" >&2
    exit 2
    ;;
esac
