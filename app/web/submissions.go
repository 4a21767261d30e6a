package web

import (
	"net/http"

	"simpleapp/food"
)

// shown is how many records a page shows.
const shown = 5

// A successPage thanks for a submission.
type successPage struct {
	Records    []food.Record
	Unreadable bool // the records, right now
}

// getSuccess is where a stored submission leads. What was stored stays so if the records can't be read now.
func (s *Server) getSuccess(w http.ResponseWriter, r *http.Request) error {
	records, err := s.cfg.Food.Recent(r.Context(), shown)
	if err != nil {
		s.logFault(r, http.StatusOK, err)
	}
	return s.render(w, http.StatusOK, "success",
		page{Title: "Stored", Nav: "/simpleform", Visits: s.badge(), Data: successPage{records, err != nil}})
}

func (s *Server) getSubmissions(w http.ResponseWriter, r *http.Request) error {
	records, err := s.cfg.Food.Recent(r.Context(), shown)
	if err != nil {
		return errDatabase(err)
	}
	return s.render(w, http.StatusOK, "submissions",
		page{Title: "MySQL Data", Nav: "/submissions", Visits: s.badge(), Data: records})
}
