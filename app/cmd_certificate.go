package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"strings"
	"time"

	"simpleapp/internal/certificate"
)

// printCertificate prints until when the site's certificate is valid. It returns an error if there
// is none, or if less than a sixth of its time is left, because it should have been renewed.
func printCertificate(ctx context.Context, i invocation) error {
	err := i.parse(new(flag.FlagSet), 0,
		"Prints how many days the certificate of https has left.")
	if err != nil {
		return err
	}
	cfg, _, err := i.configure()
	if err != nil {
		return err
	}
	if cfg.domains == nil {
		return errors.New("DOMAIN is not set: the site is on plain http")
	}
	db, err := openExisting(cfg)
	if err != nil {
		return err
	}
	status, err := certificate.ReadStatus(ctx, cfg.certificate(), db)
	if err = errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	now := time.Now()
	names := strings.Join(cfg.domains, ", ")
	if c := status.Certificate; c != nil {
		days := math.Floor(c.NotAfter.Sub(now).Hours() / 24)
		left := fmt.Sprintf("%.0f days left, until", days)
		if now.After(c.NotAfter) {
			left = "expired on"
		}
		fmt.Fprintf(i.stdout, "certificate of %s: %s %s\n", names, left,
			c.NotAfter.In(cfg.location).Format("2006-01-02 15:04 MST"))
	}
	if !status.IsLate(now) {
		return nil
	}
	problem := "no certificate of " + names + " yet"
	if status.Certificate != nil {
		problem = "the certificate was not renewed"
	}
	if a := status.Attempt; a.Failures > 0 {
		problem += ": " + a.Error
		if a.Hint != "" {
			problem += ": " + a.Hint
		}
	}
	return errors.New(problem)
}
