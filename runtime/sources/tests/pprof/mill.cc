// Burns CPU under the profiler of gperftools; built with debug information, so that inlined functions are known.
#include <cmath>
#include <cstdio>
#include <ctime>

namespace mill {

static inline double grind(double grain) { return std::sqrt(grain) * 1.0001 + 0.5; }

static inline double sift(double grain) {
  for (int i = 0; i < 8; i++) grain = grind(grain);
  return grain;
}

__attribute__((noinline)) double batch(double grain) {
  for (int i = 0; i < 20000; i++) grain = sift(grain + i);
  return grain;
}

__attribute__((noinline)) double turn(int left, double grain) {
  return left == 0 ? batch(grain) : turn(left - 1, grain) + std::sin(grain);
}

}  // namespace mill

int main() {
  double flour = 1;
  for (clock_t end = clock() + CLOCKS_PER_SEC; clock() < end;) flour = mill::turn(5, flour) + mill::batch(flour);
  return flour == 42;
}
