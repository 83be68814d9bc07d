package providers

func ParseReply(stage Stage, wire string) Reply { return Reply{Stage: stage, Text: wire} }

func (r Reply) quoted() (Reply, bool) { return Reply{}, false }
