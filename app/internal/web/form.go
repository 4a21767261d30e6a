package web

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"simpleapp/internal/food"
)

// maxForm is the largest body of a form in bytes. A form whose fields have MaxLength characters, in
// any script, takes about half of it at most, even if its characters arrive decomposed.
const maxForm = 16 << 10

// A formPage is the form with the visitor's answers and their errors.
type formPage struct {
	food.Submission
	Errors []food.FieldError
	Fault  *fault
}

// A conflictPage is the page for a form whose token is stored with other answers.
type conflictPage struct {
	Stored food.Submission
	New    formPage // the answers that were not stored, with a token of their own
}

// A fault tells the visitor that valid answers were not stored, or that the site can't tell whether
// they were.
type fault struct{ Heading, Message string }

// A formField is a field of the form, with the visitor's answer and its error.
type formField struct {
	Name      string
	Hint      string
	Error     string
	TextField food.TextField // set only if the field is a text field
	Value     string         // set only if the field is a text field
}

// TextFields returns the text fields of the form.
func (f formPage) TextFields() []formField {
	fields := make([]formField, len(food.TextFields))
	for i, text := range food.TextFields {
		field := f.Field(text.Name)
		field.Hint, field.TextField, field.Value = text.Hint, text, text.Of(f.Submission)
		fields[i] = field
	}
	return fields
}

// Field returns the field called name, without a hint or value.
func (f formPage) Field(name string) formField {
	field := formField{Name: name}
	for _, e := range f.Errors {
		if e.Field == name {
			field.Error = e.Message
		}
	}
	return field
}

// DescribedBy returns the value of the attribute aria-describedby: the ids of the field's hint and
// error.
func (f formField) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

// countryOptions returns the <option> elements of all countries. They are most of the page and
// equal for all visitors. They are built once, because that saves four fifths of the cost of the
// page.
var countryOptions = sync.OnceValue(func() string {
	var b strings.Builder
	for _, c := range food.Countries() {
		fmt.Fprintf(&b, "<option value=\"%s\">%s</option>\n",
			template.HTMLEscapeString(c.Code), template.HTMLEscapeString(c.Name))
	}
	return b.String()
})

// options returns the <option> elements of all countries, with the selected country marked, if any.
func options(selected string) template.HTML {
	all := countryOptions()
	if food.CountryName(selected) != "" { // a client may have sent any text
		all = strings.Replace(all, `"`+selected+`"`, `"`+selected+`" selected`, 1)
	}
	return template.HTML(all)
}

func (s *Server) getForm(w http.ResponseWriter, _ *http.Request) error {
	return s.form(w, http.StatusOK, formPage{Submission: food.Submission{Token: food.NewToken()}})
}

func (s *Server) form(w http.ResponseWriter, status int, f formPage) error {
	title := "Simple Form"
	if f.Errors != nil || f.Fault != nil {
		title = "Error: " + title
	}
	return s.render(w, status, "form",
		page{Title: title, Nav: "/simpleform", Visits: s.badge(), Data: f})
}

// postForm reads the form before limit counts the request, because a form may arrive slowly.
func (s *Server) postForm() handler {
	add := limit(s.addSubmission)
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := readForm(w, r); err != nil {
			return err
		}
		return add(w, r)
	}
}

// addSubmission stores a submission. If it can't, it shows the form again with the visitor's
// answers.
func (s *Server) addSubmission(w http.ResponseWriter, r *http.Request) error {
	sub := submission(r.PostForm)
	if errs := sub.Validate(); errs != nil {
		if !food.ValidToken(sub.Token) {
			sub.Token = food.NewToken()
		}
		return s.form(w, http.StatusUnprocessableEntity, formPage{Submission: sub, Errors: errs})
	}

	err := s.cfg.Submissions.Add(sub)
	var conflict *food.ConflictError
	switch {
	case err == nil:
		// http.Redirect would parse this address: 3 % of the CPU of a stored form.
		w.Header()["Location"] = []string{"/simpleform/success?reference=" + sub.Reference()}
		w.WriteHeader(http.StatusSeeOther)
		return nil
	case errors.As(err, &conflict):
		sub.Token = food.NewToken()
		return s.render(w, http.StatusConflict, "conflict",
			page{Title: "Error: Your first answers were kept", Nav: "/simpleform",
				Visits: s.badge(), Data: conflictPage{conflict.Stored, formPage{Submission: sub}}})
	}
	s.logOutage(r, http.StatusServiceUnavailable, err)
	setRetryAfter(w, 5)
	return s.form(w, http.StatusServiceUnavailable, formPage{Submission: sub, Fault: faultOf(err)})
}

// The sentence safeToRepeat is true, whatever happened to earlier copies of a form. An earlier copy
// may have been stored even though the visitor did not receive the answer.
const safeToRepeat = "However often you send this form, its answers are never stored twice."

// faultOf returns the words for an error of Submissions.Add. The causes are many: the database does
// not answer, it refuses the write, or this program is stopping. So the words name none of them,
// except where the visitor can do something about it.
func faultOf(err error) *fault {
	f := &fault{"We can’t tell yet whether your answers were stored",
		"The database has not confirmed it. "}
	if errors.Is(err, food.ErrNotStored) {
		f = &fault{"Your answers were not stored this time",
			"This site can’t store answers right now. "}
	}
	if errors.Is(err, food.ErrInvalidData) {
		f.Message = "One of them can’t be stored as it is. All are still in the form: " +
			"change them, for example to fewer or simpler characters, and submit them again."
		return f
	}
	f.Message += "Your answers are still in the form: submit them again in a moment. " +
		safeToRepeat
	return f
}

// readForm reads the request's body into its PostForm.
func readForm(w http.ResponseWriter, r *http.Request) error {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return errMediaType
	}
	if recorded, ok := w.(*recorder); ok {
		w = recorded.ResponseWriter // it can close the connection, if the form is too large
	}
	conn := connectionOf(r)
	conn.admit(receiving)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	r.Trailer = nil // it may have many fields, and nobody needs them
	var tooLarge *http.MaxBytesError
	var broken *net.OpError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded),
		errors.Is(err, net.ErrClosed): // Connections has closed it to make room
		return errSlow
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &broken):
		return errLeft
	case err != nil:
		return errBadForm
	}
	if bytes.Count(body, []byte("&")) >= maxFields {
		return errBadForm
	}
	if r.PostForm, err = url.ParseQuery(string(body)); err != nil {
		return errBadForm
	}
	for _, values := range r.PostForm {
		if len(values) > 1 { // browsers send each field once, and nothing tells which is right
			return errBadForm
		}
	}
	conn.enter(working)
	conn.leave()
	return nil
}

// submission returns the normalized submission in a form, with the current time.
func submission(form url.Values) food.Submission {
	s := food.Submission{
		Token:   form.Get("token"),
		Country: form.Get("country"),
		Pledge:  form.Get("pledge") == "yes",
		AddedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
	for _, field := range food.TextFields {
		field.Set(&s, form.Get(field.Name))
	}
	return s.Normalized()
}
