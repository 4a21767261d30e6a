package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"time"

	"simpleapp/internal/database"
	"simpleapp/internal/food"
	"simpleapp/internal/tally"
)

// forget removes one submission and subtracts it from the counts.
func forget(ctx context.Context, i invocation) (err error) {
	var flags flag.FlagSet
	id := flags.Int64("id", 0, "the `id` of the submission, if several have the reference")
	err = i.parse(&flags, 1,
		"Removes the submission that has a reference, such as 3f9a-2c71-b04e, and subtracts it\n"+
			"from the results. The page after the form shows the reference. So does the export.")
	if err != nil {
		return err
	}
	reference := food.NormalizeReference(flags.Arg(0))
	if !food.ValidReference(reference) {
		return fmt.Errorf("%q is not a reference: write it as in 3f9a-2c71-b04e", reference)
	}
	cfg, _, err := i.configure()
	if err != nil {
		return err
	}
	db, err := openExisting(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	submissions := food.New(db, func(int, int) {})
	found, err := submissions.Find(ctx, reference)
	if err != nil {
		return err
	}
	if *id != 0 {
		found = slices.DeleteFunc(found, func(r food.Record) bool { return r.ID != *id })
	}
	switch len(found) {
	case 0:
		with := ""
		if *id != 0 {
			with = fmt.Sprintf(" and the id %d", *id)
		}
		return fmt.Errorf("nothing was removed: no submission has the reference %s%s",
			reference, with)
	case 1:
	default:
		for _, r := range found {
			fmt.Fprintln(i.stdout, describe(r))
		}
		return fmt.Errorf("nothing was removed: %d submissions have the reference %s: "+
			"select one with --id", len(found), reference)
	}
	err = submissions.Forget(ctx, found[0], tally.New(db))
	if errors.Is(err, database.ErrUnknown) {
		return fmt.Errorf("the database did not confirm the removal: repeat this to see: %w", err)
	}
	if err != nil {
		return fmt.Errorf("nothing was removed: %w", err)
	}
	fmt.Fprintln(i.stdout, "removed", describe(found[0]))
	return nil
}

// describe returns the values of a record in one line.
func describe(r food.Record) string {
	text := fmt.Sprintf("id %d", r.ID)
	for _, field := range food.TextFields {
		text += fmt.Sprintf(", %s %q", field.Name, field.Of(r.Submission))
	}
	return text + fmt.Sprintf(", country %s, added at %s",
		r.Country, r.AddedAt.Format(time.RFC3339))
}
