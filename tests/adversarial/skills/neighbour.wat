;;! about = "Innocent: asks for the samples of its metric once, and notes half of their sum."
;;! ends = "ok"
;;! says = "counted"
(import "negawatt:skill/metrics@0.1.0" "query" (func $query
  (param i32 i32 i32 i32 i32 i64 i64 i32 i32 i32 i32 i64 i64 i32 i64 i32)))
(data (i32.const 16) "cpu")
(data (i32.const 32) "counted")
(func (export "investigate") (param $case i32) (result i32)
  (local $series i32) (local $value i32) (local $end i32) (local $sum f64)
  (call $query
    (i32.const 16) (i32.const 3) (i32.const 0) (i32.const 0) ;; cpu, no matchers
    (i32.const 0) (i64.const 0) (i64.const 0)                ;; no transform
    (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)  ;; no aggregate
    (i64.const 1767571200000000) (i64.const 1767657600000000) (i32.const 0) (i64.const 0)
    (i32.const 800))
  (if (i32.load8_u (i32.const 800)) (then unreachable))
  (local.set $series (i32.load (i32.const 804)))
  (local.set $value (i32.load offset=16 (local.get $series)))
  (local.set $end (i32.add (local.get $value) (i32.mul (i32.load offset=20 (local.get $series)) (i32.const 8))))
  (loop
    (local.set $sum (f64.add (local.get $sum) (f64.load (local.get $value))))
    (local.set $value (i32.add (local.get $value) (i32.const 8)))
    (br_if 0 (i32.lt_u (local.get $value) (local.get $end))))
  (call $note (i32.const 32) (i32.const 7) (f64.mul (local.get $sum) (f64.const 0.5))))
