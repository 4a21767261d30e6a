package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints a table of all copies, and returns an error unless they are one group and the disk
// of each has room. Each place is NODE=ADDRESS, or NODE= where there should be a copy that has no
// address. While a copy's server is starting, its transactions are not known.
func report(ctx context.Context, w io.Writer, places []string) error {
	var addresses, nodes []string
	for _, place := range places {
		node, address, _ := strings.Cut(place, "=")
		nodes, addresses = append(nodes, node), append(addresses, address)
	}
	answers := ask(ctx, addresses, "")
	everything := ""
	for _, s := range answers {
		if s != nil {
			everything += s.Transactions + ","
		}
	}
	var problems []string
	primaries := 0
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "COPY\tSTATE\tIN A GROUP\tTRANSACTIONS\tLACKS\tTO EXECUTE\tFREE DISK")
	for i, node := range nodes {
		s := answers[i]
		if s == nil {
			fmt.Fprintf(table, "%s\tdoes not answer\t\t\t\t\t\n", node)
			problems = append(problems, node+" does not answer")
			continue
		}
		state := string(s.State)
		if s.Primary {
			state += ", primary"
			primaries++
		}
		seen := "never"
		switch {
		case s.State == online:
			seen = "now"
		case !s.Seen.IsZero():
			seen = s.Seen.UTC().Format(time.DateTime) + " UTC"
		}
		has, lacks := "?", "?"
		if s.UUID != "" || s.State == empty || s.State == copying {
			own := parseGTIDs(s.Transactions)
			has = strconv.FormatInt(own.count(), 10)
			lacks = strconv.FormatInt(parseGTIDs(everything).without(own), 10)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d MB\n", node, state, seen, has, lacks,
			s.Queue, s.FreeMB)
		if s.FreeMB < scarceMB && s.Problem != noRoom {
			problems = append(problems, node+": "+noRoom)
		}
		if s.State != online {
			problem := s.Problem
			if problem == "" {
				problem = "it is " + string(s.State)
			}
			problems = append(problems, node+": "+problem)
		}
	}
	switch {
	case primaries == 0:
		problems = append(problems, "there is no primary: nothing can be stored")
	case primaries > 1:
		problems = append(problems,
			fmt.Sprintf("%d copies say that they are the primary", primaries))
	}
	table.Flush()
	// The table is written at once, because Docker may print an error between two writes.
	if _, err := w.Write(out.Bytes()); err != nil {
		return err
	}
	if len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	return nil
}
