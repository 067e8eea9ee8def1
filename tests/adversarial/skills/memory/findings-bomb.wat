;;! about = "Returns a hundred thousand findings."
;;! ends = "over-budget"
;;! says = "it passed more to the host at once than the 16777216 bytes that it may hold"
(memory (export "memory") 180)
(func (export "investigate") (param i32) (result i32)
  (i32.store (i32.const 516) (i32.const 1024)) ;; 112 bytes each
  (i32.store (i32.const 520) (i32.const 100000))
  (i32.const 512))
