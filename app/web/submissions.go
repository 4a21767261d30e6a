package web

import (
	"net/http"
	"regexp"

	"simpleapp/food"
)

// shown is how many records a page shows.
const shown = 5

// A successPage thanks for a submission.
type successPage struct {
	Reference  string // "" if the address has none
	Records    []food.Record
	Unreadable bool // the records, right now
}

var referenceForm = regexp.MustCompile(`^[0-9a-f]{4}(-[0-9a-f]{4}){2}$`)

// getSuccess is where a stored submission leads. What was stored stays so if the records can't be read now.
func (s *Server) getSuccess(w http.ResponseWriter, r *http.Request) error {
	records, err := s.cfg.Food.Recent(r.Context(), shown)
	if err != nil {
		s.logFault(r, http.StatusOK, err)
	}
	return s.render(w, http.StatusOK, "success", page{Title: "Your answers are stored", Nav: "/simpleform", Visits: s.badge(),
		Data: successPage{referenceForm.FindString(r.URL.Query().Get("reference")), records, err != nil}})
}

func (s *Server) getSubmissions(w http.ResponseWriter, r *http.Request) error {
	records, err := s.cfg.Food.Recent(r.Context(), shown)
	if err != nil {
		return errDatabase(err)
	}
	return s.render(w, http.StatusOK, "submissions",
		page{Title: "MySQL Data", Nav: "/submissions", Visits: s.badge(), Data: records})
}
