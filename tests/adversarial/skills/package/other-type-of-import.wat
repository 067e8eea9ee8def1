;;! about = "Imports a tool that it was granted, with a function that the host does not have."
;;! claims = "metrics"
;;! ends = "refused"
;;! says = "it is not a skill"
(component
  (import "negawatt:skill/metrics@0.1.0" (instance (export "delete" (func (param "name" string))))))
