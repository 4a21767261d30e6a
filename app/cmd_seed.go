package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
)

// seed stores sample submissions, so that a new site has something to show.
func seed(ctx context.Context, i invocation) (err error) {
	var flags flag.FlagSet
	n := flags.Int("n", 500, "`number` of submissions")
	merge := flags.Bool("merge", false, "add the samples to a site that has submissions")
	err = i.parse(&flags, 0, "Stores sample submissions of the last thirty days.")
	if err != nil {
		return err
	}
	if *n < 1 || *n > 1_000_000 {
		return errors.New("--n: write a number from 1 to 1000000")
	}
	cfg, log, err := i.configure()
	if err != nil {
		return err
	}
	db, err := openDatabase(cfg, cfg.mysqlOnce())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	samples := newSamples(*n, time.Now())
	done, err := i.importSubmissions(ctx, db, log, samples.next, *merge)
	if err != nil {
		return seedError(err, done)
	}
	return nil
}

// seedError says what is stored after an error of importSubmissions, and what to do.
func seedError(err error, done food.Imported) error {
	switch {
	case errors.Is(err, food.ErrNotEmpty):
		return fmt.Errorf("%w: add to them with --merge (make: MERGE=yes)", err)
	case errors.Is(err, database.ErrUnknown):
		return fmt.Errorf("%d samples are stored; the database did not confirm the next ones: %w",
			done.Stored, err)
	}
	return fmt.Errorf("%d samples are stored: %w", done.Stored, err)
}

// samples generates sample submissions in the order of their times.
type samples struct {
	n, made int
	begin   time.Time
}

const samplePeriod = 30 * 24 * time.Hour

func newSamples(n int, now time.Time) *samples {
	return &samples{n: n, begin: now.Add(-samplePeriod)}
}

func (s *samples) next() (food.Submission, error) {
	if s.made == s.n {
		return food.Submission{}, io.EOF
	}
	// part is the fraction of the period that is over at this sample. The sine makes busy and quiet
	// days: between 0.6 and 2.5 times the mean. The sine is 0 at both ends, so no time is in the
	// future.
	part := (float64(s.made) + rand.Float64()) / float64(s.n)
	part += 0.6 * math.Sin(8*math.Pi*part) / (8 * math.Pi)
	s.made++
	at := s.begin.Add(time.Duration(part * float64(samplePeriod)))
	sub := food.Submission{
		Token: food.NewToken(), FirstName: pick(firstNames), LastName: pick(lastNames),
		FavouriteFood: pick(foods), Country: pick(countries), Pledge: true,
		AddedAt: at.UTC().Truncate(time.Millisecond),
	}
	for _, field := range food.TextFields {
		if field.Of(sub) == "" {
			field.Set(&sub, "Sample")
		}
	}
	return sub, nil
}

// pick returns one of the words. It returns the first words more often, so that some are
// favourites.
func pick(words []string) string {
	return words[min(rand.IntN(len(words)), rand.IntN(len(words)))]
}

var (
	firstNames = []string{"Wei", "Aisha", "Priya", "Tom", "Hana", "Mateo", "Sofía", "Kwame",
		"Zoë", "Jürgen", "Siti", "Ngoc", "Olga", "Yusuf", "Chloé", "Arjun", "Mei Ling", "Björn",
		"Fatima", "X"}
	lastNames = []string{"Tan", "Smith", "Kumar", "Nguyễn", "García", "Müller", "O'Brien",
		"Okafor", "Sato", "Abdullah", "Kowalski", "de la Cruz", "Rossi", "Lim", "Østergaard",
		"Haddad", "Ivanova", "Silva"}
	foods = []string{"Pizza", "Chicken rice", "Sushi", "Laksa", "pizza", "Tacos",
		"Fish and chips", "Ramen", "Pho", "Lasagne", "Curry", "Dumplings", "Paella", "Burger",
		"Nasi lemak", "Pierogi", "Falafel", "Jollof rice", "Bibimbap", "Crème brûlée", "寿司",
		"Spaghetti", "Feijoada", "Goulash"}
	countries = []string{"SG", "GB", "US", "MY", "IN", "DE", "FR", "JP", "VN", "ES", "NG", "BR",
		"IT", "PL", "MX", "AU", "KR", "SE", "LB", "GH"}
)
