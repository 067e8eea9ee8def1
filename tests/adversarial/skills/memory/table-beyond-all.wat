;;! about = "Grows a table to a hundred million elements, which no table has: it is told so, and nothing is held for it."
;;! ends = "ok"
;;! says = "no such table"
(table $table 1 funcref)
(data (i32.const 16) "no such table")
(func (export "investigate") (param i32) (result i32)
  (if (i32.ge_s (table.grow $table (ref.null func) (i32.const 100_000_000)) (i32.const 0)) (then unreachable))
  (call $note (i32.const 16) (i32.const 13) (f64.const 1)))
