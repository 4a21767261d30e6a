package web

import (
	"errors"
	"fmt"
	"net/http"
)

// A statusError ends a request with an error page.
type statusError struct {
	status     int
	Heading    string // what happened, in a visitor's words
	Message    string // and what to do
	retryAfter int    // seconds, 0 for none
	cause      error  // for the operator; with WEB_DIR also for the developer
}

func (e *statusError) Error() string { return fmt.Sprintf("%d: %v", e.status, e.cause) }

func (e *statusError) Unwrap() error { return e.cause }

var (
	errNotFound = &statusError{status: http.StatusNotFound, Heading: "Page not found",
		Message: "If you typed the address, check that it is right. " +
			"If you followed a link here, it may be out of date."}
	errMethod = &statusError{status: http.StatusMethodNotAllowed,
		Heading: "That can’t be done here",
		Message: "This address does not take what was sent. Nothing was stored."}
	errCrossSite = &statusError{status: http.StatusForbidden,
		Heading: "That came from another site",
		Message: "Answers are only taken from the form on this site. " +
			"Nothing was stored this time. If it was our form, open it again and submit it there."}
	errMediaType = &statusError{status: http.StatusUnsupportedMediaType,
		Heading: "That is not our form",
		Message: "Answers are only taken the way the form on this site sends them. " +
			"Nothing was stored this time."}
	errTooLarge = &statusError{status: http.StatusRequestEntityTooLarge,
		Heading: "That is too long",
		Message: "The form was sent with more text than this site takes. " +
			"Nothing was stored this time. Go back and make your answers shorter."}
	errHeader = &statusError{status: http.StatusRequestHeaderFieldsTooLarge,
		Heading: "Your browser sent too much about itself",
		Message: "Nothing was stored this time. Try it without the browser’s extensions."}
	errSlow = &statusError{status: http.StatusRequestTimeout,
		Heading: "The form took too long to arrive",
		Message: "Nothing was stored this time. Go back and submit it again. " + safeToRepeat}
	errBadForm = &statusError{status: http.StatusBadRequest,
		Heading: "The form could not be read",
		Message: "It arrived incomplete or damaged. Nothing was stored this time. " +
			"Go back and submit it again. " + safeToRepeat}
	errBusy = &statusError{status: http.StatusServiceUnavailable,
		Heading: "Many people are here right now",
		Message: "This request was not carried out, and it stored nothing. " +
			"Reload this page in a few seconds.", retryAfter: 1}
	// A reload of this page would send the form again, after a question of the browser, and site.js
	// would not mark the form as stored. So the message tells the visitor to go back to the form.
	errBusyForm = &statusError{status: http.StatusServiceUnavailable,
		Heading: errBusy.Heading,
		Message: "Nothing was stored this time. " +
			"Go back and submit it again in a few seconds. " + safeToRepeat,
		retryAfter: errBusy.retryAfter}
)

// sameForAll are the errors whose pages are the same for every request. These pages are rendered
// once, so that a refused request costs less than an accepted one. The page of errBusy then takes
// about 1 µs instead of about 45 µs. Both figures exclude the network.
var sameForAll = []*statusError{errNotFound, errMethod, errCrossSite, errMediaType, errTooLarge,
	errHeader, errSlow, errBadForm, errBusy, errBusyForm}

// statusClientClosed is noted for a request whose client left before the answer. A client
// receives it only if it has closed its sending side and still reads. It is nginx's code for that:
// https://nginx.org/en/docs/dev/development_guide.html#http_finalization
const statusClientClosed = 499

// errLeft says that the client left before its form had arrived.
var errLeft = errors.New("the client has left")

// errInternal is a fault of the program. The visitor reads only that there is one. With WEB_DIR,
// the page shows the cause to the developer.
func errInternal(cause error) *statusError {
	return &statusError{status: http.StatusInternalServerError, cause: cause,
		Heading: "Something went wrong",
		Message: "The fault is ours and has been written down. Try again later."}
}

// errDatabase ends a page that could not read the database.
func errDatabase(cause error) *statusError {
	return &statusError{status: http.StatusServiceUnavailable, retryAfter: 5, cause: cause,
		Heading: "The records can’t be read right now",
		Message: "The stored records have not changed. Try again in a moment."}
}

// errorPage answers with the site's page for err, and logs the error if the fault is the site's. If
// a developer's templates are broken, the page is the program's own.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, err error) {
	var e *statusError
	if !errors.As(err, &e) {
		e = errInternal(err)
	}
	switch {
	case e.cause == nil: // the fault is the client's, or there are too many requests
	case e.status == http.StatusServiceUnavailable:
		s.logOutage(r, e.status, e.cause)
	default:
		s.logFault(r, e.status, e.cause)
	}
	setRetryAfter(w, e.retryAfter)
	if s.cfg.Files != nil && e.status == http.StatusInternalServerError {
		e.Message = e.cause.Error() // for the developer
	}
	var body []byte
	v, renderErr := s.view()
	if renderErr == nil {
		body, renderErr = v.errorBody(e)
	}
	if renderErr != nil {
		body, renderErr = s.builtIn.errorBody(e)
	}
	if renderErr != nil {
		s.logFault(r, e.status, renderErr)
		http.Error(w, e.Heading, e.status)
		return
	}
	send(w, e.status, body)
}

// errorBody returns the page of an error.
func (v *view) errorBody(e *statusError) ([]byte, error) {
	if render, ok := v.errors[e]; ok {
		return render()
	}
	return v.renderError(e)
}

func (v *view) renderError(e *statusError) ([]byte, error) {
	return v.body("error", page{Title: e.Heading, Data: e})
}
