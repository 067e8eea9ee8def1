;;! about = "Imports a tool under a version that does not exist yet."
;;! ends = "refused"
;;! says = "negawatt:skill/metrics@0.2.0"
(component
  (import "negawatt:skill/metrics@0.2.0" (instance)))
