package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"simpleapp/internal/food"
)

const (
	recordsShown = 5  // on the success page
	pageSize     = 25 // of the list of submissions
)

// noIndex keeps the names of visitors out of search engines, where they would stay after a
// submission has been removed.
var noIndex = []string{"noindex"}

// A successPage is the data of the page that thanks for a submission.
type successPage struct {
	Reference  string        // "" if the address has none
	Records    []food.Record // the newest
	Unreadable bool          // whether the records can't be read now
}

// getSuccess thanks for a submission. The page says only what is true for every visitor, because
// anybody can open it with any reference, and a submission can be removed later. It does not look
// the reference up, because no index has it. If the newest records can't be read, the page says
// that the stored ones have not changed.
func (s *Server) getSuccess(w http.ResponseWriter, r *http.Request) error {
	w.Header()["X-Robots-Tag"] = noIndex
	records, err := s.cfg.Submissions.Recent(r.Context(), recordsShown)
	switch {
	case errors.Is(err, context.Canceled): // the visitor has left
		return err
	case err != nil:
		s.logOutage(r, http.StatusOK, err)
	}
	reference := r.URL.Query().Get("reference")
	if !food.ValidReference(reference) {
		reference = ""
	}
	return s.render(w, http.StatusOK, "success",
		page{Title: "Thank you for your answers", Nav: "/simpleform", Visits: s.badge(),
			Data: successPage{reference, records, err != nil}})
}

// getSubmissions shows a page of submissions: the newest, those before an id, or those after an id.
func (s *Server) getSubmissions(w http.ResponseWriter, r *http.Request) error {
	w.Header()["X-Robots-Tag"] = noIndex
	query := r.URL.Query()
	before, after := query.Get("before"), query.Get("after")
	read, key, title := s.cfg.Submissions.Before, food.Newest, "MySQL Data"
	var err error
	switch {
	case before != "" && after != "":
		return errNotFound
	case before != "":
		key, err = strconv.ParseInt(before, 10, 64)
	case after != "":
		read = s.cfg.Submissions.After
		key, err = strconv.ParseInt(after, 10, 64)
	}
	if err != nil || key < 1 {
		return errNotFound
	}
	records, err := read(r.Context(), key, pageSize)
	if err != nil {
		return errDatabase(err)
	}
	if !records.First {
		title += ", continued"
	}
	return s.render(w, http.StatusOK, "submissions",
		page{Title: title, Nav: "/submissions", Visits: s.badge(), Data: records})
}
