package faults

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"simpleapp/internal/food"
	"simpleapp/internal/testserver"
)

// plain is a client that keeps many connections, follows no redirects, and sends what a browser sends.
var plain = &http.Client{
	Transport:     &testserver.Browser{RoundTripper: &http.Transport{MaxIdleConnsPerHost: 512}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       20 * time.Second,
}

// visit gets the home page and returns its status and the visitor's number, 0 where the page says
// that the count is unavailable.
func visit(addr string) (status int, number int64, err error) {
	resp, err := plain.Get("http://" + addr + "/")
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, 0, err
	}
	_, rest, found := strings.Cut(string(body), "Visits: ")
	if !found {
		return resp.StatusCode, 0, nil
	}
	digits, _, _ := strings.Cut(rest, "<")
	number, err = strconv.ParseInt(digits, 10, 64)
	return resp.StatusCode, number, err
}

// submit sends the form and returns the status and the page.
func submit(addr string, sub food.Submission) (status int, body string, err error) {
	resp, err := plain.PostForm("http://"+addr+"/simpleform", form(sub))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(page), err
}

// form returns what a browser sends.
func form(sub food.Submission) url.Values {
	return url.Values{
		"token": {sub.Token}, "first_name": {sub.FirstName}, "last_name": {sub.LastName},
		"favourite_food": {sub.FavouriteFood}, "country": {sub.Country}, "pledge": {"yes"},
	}
}

func submission(favourite string) food.Submission {
	return food.Submission{Token: food.NewToken(), FirstName: "Ada", LastName: "Lovelace",
		FavouriteFood: favourite, Country: "GB", Pledge: true}
}
