;;! about = "Imports a tool under a version that never was."
;;! ends = "refused"
;;! says = "negawatt:skill/metrics@0.0.9"
(component
  (import "negawatt:skill/metrics@0.0.9" (instance)))
