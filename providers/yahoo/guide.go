package yahoo

import "embed"

// guides are what customers of this provider are told: guide/<locale>.md.
//
//go:embed guide
var guides embed.FS
