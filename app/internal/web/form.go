package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
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

// maxForm is the size of a form's body in bytes. Five full fields in any script take less than half.
const maxForm = 16 << 10

// A formPage is the form with the visitor's answers and what is wrong with them.
type formPage struct {
	food.Submission
	Errors  []food.FieldError
	Trouble *trouble
}

// countryOptions returns the <option> elements of all countries. They are most of the page and the
// same for everybody. Built once, they make the page cost a fifth of what it would otherwise.
var countryOptions = sync.OnceValue(func() string {
	var b strings.Builder
	for _, c := range food.Countries() {
		fmt.Fprintf(&b, "<option value=\"%s\">%s</option>\n", template.HTMLEscapeString(c.Code), template.HTMLEscapeString(c.Name))
	}
	return b.String()
})

// options returns the country options with one of them selected, or none.
func options(selected string) template.HTML {
	all := countryOptions()
	if food.CountryName(selected) != "" { // and so a code, not whatever a client has sent
		all = strings.Replace(all, `"`+selected+`"`, `"`+selected+`" selected`, 1)
	}
	return template.HTML(all)
}

// A trouble is why valid answers were not stored.
type trouble struct{ Heading, Message string }

// Error returns what is wrong with a field, or "".
func (f formPage) Error(field string) string {
	for _, e := range f.Errors {
		if e.Field == field {
			return e.Message
		}
	}
	return ""
}

// A field is a text field of the form, or what is wrong with another.
type field struct {
	Name, Label, Value, Autocomplete, Hint string
	Error                                  string
}

func newField(f formPage, name, label, value, autocomplete, hint string) field {
	return field{name, label, value, autocomplete, hint, f.Error(name)}
}

// DescribedBy returns the ids of what describes the field: its hint and its error.
func (f field) DescribedBy() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	return strings.Join(ids, " ")
}

func (s *Server) getForm(w http.ResponseWriter, _ *http.Request) error {
	return s.form(w, http.StatusOK, formPage{Submission: food.Submission{Token: food.NewToken()}})
}

func (s *Server) form(w http.ResponseWriter, status int, f formPage) error {
	title := "Simple Form"
	if f.Errors != nil || f.Trouble != nil {
		title = "Error: " + title
	}
	return s.render(w, status, "form", page{Title: title, Nav: "/simpleform", Visits: s.badge(), Data: f})
}

// postForm reads the form, however slowly it arrives, and only then counts as in flight.
func (s *Server) postForm() handler {
	store := limit(s.storeForm)
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := readForm(w, r); err != nil {
			return err
		}
		return store(w, r)
	}
}

// storeForm stores a submission, or shows the form again with every answer kept.
func (s *Server) storeForm(w http.ResponseWriter, r *http.Request) error {
	sub := submission(r.PostForm)
	if errs := sub.Validate(); errs != nil {
		if !food.ValidToken(sub.Token) {
			sub.Token = food.NewToken()
		}
		return s.form(w, http.StatusUnprocessableEntity, formPage{Submission: sub, Errors: errs})
	}

	err := s.cfg.Food.Add(sub)
	var conflict *food.ConflictError
	switch {
	case err == nil:
		http.Redirect(w, r, "/simpleform/success?reference="+reference(sub.Token), http.StatusSeeOther)
		return nil
	case errors.As(err, &conflict):
		return s.render(w, http.StatusConflict, "conflict",
			page{Title: "Error: Your first answers stand", Nav: "/simpleform", Visits: s.badge(), Data: conflict.Stored})
	}
	s.logFault(r, http.StatusServiceUnavailable, err)
	setRetryAfter(w, 5)
	return s.form(w, http.StatusServiceUnavailable, formPage{Submission: sub, Trouble: troubleOf(err)})
}

func troubleOf(err error) *trouble {
	if errors.Is(err, food.ErrNotStored) {
		return &trouble{"Your answers were not stored",
			"The database does not answer right now. Your answers are still in the form: submit them again in a moment."}
	}
	return &trouble{"We can’t tell yet whether your answers were stored",
		"The database stopped answering. Your answers are still in the form: submit them again in a moment. However often they are sent, they are stored once."}
}

// reference returns what a visitor may keep and quote for the submission under token: the start of
// the token's SHA-256, as in 3f9a-2c71-b04e. The token itself would show the answers to whoever
// sends it again. An operator finds the row by SHA2(token, 256).
func reference(token string) string {
	hash := sha256.Sum256([]byte(token))
	digits := hex.EncodeToString(hash[:6])
	return digits[:4] + "-" + digits[4:8] + "-" + digits[8:]
}

// readForm reads the request's body into its PostForm.
func readForm(w http.ResponseWriter, r *http.Request) error {
	if mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); mediaType != "application/x-www-form-urlencoded" {
		return errMediaType
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	connectionOf(r).enter(receiving)
	err := r.ParseForm()
	connectionOf(r).enter(working)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
		return errSlow
	case err != nil:
		return errBadForm
	}
	for _, values := range r.PostForm {
		if len(values) > 1 { // no browser sends a field twice, and which one was meant?
			return errBadForm
		}
	}
	return nil
}

// submission returns what the form says, normalized, as of now.
func submission(form url.Values) food.Submission {
	return food.Submission{
		Token:         form.Get("token"),
		FirstName:     form.Get("first_name"),
		LastName:      form.Get("last_name"),
		FavouriteFood: form.Get("favourite_food"),
		Country:       form.Get("country"),
		Pledge:        form.Get("pledge") != "",
		AddedAt:       time.Now().UTC().Truncate(time.Millisecond),
	}.Normalized()
}
