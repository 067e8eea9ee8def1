// Burns CPU in functions of which the compiler inlines some, and writes what the profiler of Go saw.
package main

import (
	"context"
	"os"
	"runtime/pprof"
	"sort"
	"strconv"
	"time"
)

type line struct {
	price, count int
}

// Small: inlined into total, and total into quote.
func taxed(price int) int { return price + price*19/100 }

func total(lines []line) int {
	sum := 0
	for _, line := range lines {
		sum += taxed(line.price) * line.count
	}
	return sum
}

//go:noinline
func quote(lines []line) int {
	sum := 0
	for i := 0; i < 2000; i++ {
		sum ^= total(lines)
	}
	return sum
}

//go:noinline
func fold(depth int, lines []line) int {
	if depth == 0 {
		return quote(lines)
	}
	return fold(depth-1, lines) + 1
}

//go:noinline
func rank(lines []line) string {
	sorted := append([]line(nil), lines...)
	sort.Slice(sorted, func(a, b int) bool { return sorted[a].price < sorted[b].price })
	text := ""
	for _, line := range sorted {
		text += strconv.Itoa(line.price)
	}
	return text
}

func main() {
	cpu, err := os.Create(os.Args[1])
	if err != nil {
		panic(err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		panic(err)
	}
	lines := make([]line, 300)
	for i := range lines {
		lines[i] = line{price: i * 7919 % 1000, count: i % 5}
	}
	kept := 0
	for end, n := time.Now().Add(1200*time.Millisecond), 0; time.Now().Before(end); n++ {
		// Labels make samples of one stack several.
		pprof.Do(context.Background(), pprof.Labels("customer", strconv.Itoa(n%3)), func(context.Context) {
			kept += fold(6, lines) + len(rank(lines))
		})
	}
	pprof.StopCPUProfile()
	heap, err := os.Create(os.Args[2])
	if err != nil {
		panic(err)
	}
	if err := pprof.Lookup("heap").WriteTo(heap, 0); err != nil {
		panic(err)
	}
	if kept == 42 {
		println(kept)
	}
}
