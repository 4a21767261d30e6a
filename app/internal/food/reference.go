package food

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
)

// Reference returns what a visitor may keep and quote for a submission: the start of the SHA-256 of its
// token, as in 3f9a-2c71-b04e. The token itself would show the answers to anybody who sends it again.
func (s Submission) Reference() string {
	hash := sha256.Sum256([]byte(s.Token))
	digits := hex.EncodeToString(hash[:6])
	return digits[:4] + "-" + digits[4:8] + "-" + digits[8:]
}

var referenceForm = regexp.MustCompile(`^[0-9a-f]{4}(-[0-9a-f]{4}){2}$`)

// ValidReference reports whether reference is one that Reference could have returned.
func ValidReference(reference string) bool { return referenceForm.MatchString(reference) }
