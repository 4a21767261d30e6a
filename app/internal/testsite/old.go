package testsite

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"simpleapp/internal/food"
)

// StoreOld stores as many submissions as rows says, in the same way as the versions without
// tallies.
func StoreOld(t testing.TB, db *sql.DB, rows int) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range rows {
		favourite := []string{"Pizza", "pizza", fmt.Sprintf("Dish %d", i)}[i%3]
		_, err := tx.Exec("INSERT INTO submissions "+
			"(token, first_name, last_name, favourite_food, country, created_at) "+
			"VALUES (?, ?, ?, ?, ?, ?)",
			food.NewToken(), "Ada", "Lovelace", favourite, "GB",
			time.Now().UTC().Add(-time.Duration(i)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}
