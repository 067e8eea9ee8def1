;;! about = "Grows a table to ninety thousand elements, where it may hold a megabyte."
;;! limits = 'memory = "1MiB"'
;;! ends = "over-budget"
;;! says = "its limit is 1048576"
(table $table 1 funcref)
(func (export "investigate") (param i32) (result i32)
  (drop (table.grow $table (ref.null func) (i32.const 90_000)))
  (call $note (i32.const 0) (i32.const 0) (f64.const 1)))
