;;! about = "Returns so many findings that their size overflows."
;;! ends = "trap"
;;! says = "out of bounds"
(func (export "investigate") (param i32) (result i32)
  (i32.store (i32.const 516) (i32.const 1024))
  (i32.store (i32.const 520) (i32.const 0xffffffff))
  (i32.const 512))
