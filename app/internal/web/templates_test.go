package web

import (
	"testing"

	"github.com/jba/templatecheck"

	"simpleapp/internal/food"
)

// A typedPage is a page whose data has a type that templatecheck can check.
type typedPage[T any] struct {
	Title, Nav, Visits string
	Data               T
}

// TestTemplates/NAME checks that the data of the page NAME has every field and method that its
// template uses.
func TestTemplates(t *testing.T) {
	files, err := readFiles(embedded)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := new(Server).parseTemplates(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]any{
		"conflict":    typedPage[conflictPage]{},
		"error":       typedPage[*statusError]{},
		"form":        typedPage[formPage]{},
		"home":        page{},
		"results":     typedPage[resultsPage]{},
		"submissions": typedPage[food.Page]{},
		"success":     typedPage[successPage]{},
	}
	for name, parse := range pages {
		t.Run(name, func(t *testing.T) {
			set, err := parse()
			if err != nil {
				t.Fatal(err)
			}
			typed, known := data[name]
			if !known {
				t.Fatalf("the template %s is new: add the type of its data to this test", name)
			}
			if err := templatecheck.CheckHTML(set.Lookup("layout"), typed); err != nil {
				t.Error(err)
			}
		})
	}
}
