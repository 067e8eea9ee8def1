;;! about = "Returns a finding whose hundred thousand links are one and the same text of a megabyte: 100 GB for whoever copies it."
;;! ends = "over-budget"
;;! says = "it passed more to the host at once than the 16777216 bytes that it may hold"
(memory (export "memory") 40)
(func (export "investigate") (param i32) (result i32)
  (local $at i32)
  (local.set $at (i32.const 1048576))
  (loop ;; from 1 MiB on: pairs of an address, 64 KiB, and a length, 1 MiB
    (i32.store (local.get $at) (i32.const 65536))
    (i32.store offset=4 (local.get $at) (i32.const 1048576))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (br_if 0 (i32.lt_u (local.get $at) (i32.const 1848576))))
  (i32.store (i32.const 624) (i32.const 1048576)) ;; `because` of the finding at 528
  (i32.store (i32.const 628) (i32.const 100000))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
