;;! about = "Grows by one page a thousand times."
;;! ends = "over-budget"
;;! says = "it asked for 16842752 bytes of memory, and its limit is 16777216"
(func (export "investigate") (param i32) (result i32)
  (local $left i32)
  (local.set $left (i32.const 1000))
  (loop
    (drop (memory.grow (i32.const 1)))
    (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
