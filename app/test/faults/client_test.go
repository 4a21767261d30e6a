package faults

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"simpleapp/internal/testserver"
	"simpleapp/internal/testsite"
)

// browser is the client of all tests.
var browser = testserver.NewBrowser(20 * time.Second)

// visit gets the home page and returns its status and the visitor's number. The number is 0 if the
// page says that the count is unavailable.
func visit(addr string) (status int, number int64, err error) {
	resp, err := browser.Get("http://" + addr + "/")
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, 0, err
	}
	number, err = testsite.VisitNumber(string(body))
	return resp.StatusCode, number, err
}

// numbered gets the home page and returns the visitor's number. It returns an error if the page
// shows none.
func numbered(addr string) (int64, error) {
	status, number, err := visit(addr)
	if err == nil && (status != http.StatusOK || number == 0) {
		err = fmt.Errorf("GET / = %d, number %d, want 200 and a number", status, number)
	}
	return number, err
}

// submit sends a form and returns the status and the page.
func submit(addr string, form url.Values) (status int, body string, err error) {
	resp, err := browser.PostForm("http://"+addr+"/simpleform", form)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(page), err
}

// store submits a form as testsite.Store does.
func store(addr string, form url.Values) error {
	_, err := testsite.Store(browser, "http://"+addr, form)
	return err
}

// newForm returns a valid form with a fresh token and this favourite food.
func newForm(favourite string) url.Values {
	form := testsite.Form()
	form.Set("favourite_food", favourite)
	return form
}
