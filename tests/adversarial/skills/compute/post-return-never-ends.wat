;;! about = "Answers, and computes for ever in the function that frees the answer."
;;! limits = 'compute = "50ms"'
;;! ends = "timeout"
;;! says = "it computed for longer than 50ms"
(func (export "cabi_post_investigate") (param i32)
  (loop (br 0)))
