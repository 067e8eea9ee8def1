;;! about = "Exports nothing."
;;! ends = "refused"
;;! says = "it is not a skill"
(component)
