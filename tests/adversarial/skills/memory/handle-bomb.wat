;;! about = "Makes handles of resources, here timers, and keeps them all."
;;! ends = "over-budget"
;;! says = "it held more than 200 handles of resources at a time"
(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $timer (param i64) (result i32)))
(func (export "investigate") (param i32) (result i32)
  (loop
    (drop (call $timer (i64.const 1)))
    (br 0))
  unreachable)
