// The contestants of Boost.Interprocess. The protocol is in `src/compare/peers.rs`.
#include <boost/interprocess/managed_shared_memory.hpp>
#include <boost/interprocess/sync/interprocess_mutex.hpp>
#include <boost/interprocess/sync/interprocess_recursive_mutex.hpp>
#include <boost/version.hpp>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace boost_ipc = boost::interprocess;
using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::microseconds;

struct Record {
  uint64_t words[8];
};

// A value behind its mutex.
template <class Mutex, class Value>
struct Guarded {
  Mutex mutex;
  Value value{};
};

// Messages between the processes of one measurement.
struct Signals {
  std::atomic<int> ready{0}, go{0}, stop{0};
  struct alignas(64) Found {
    uint64_t done = 0, longest = 0;
  } found[4];
};

struct Offer {
  std::string title;
  std::function<std::string(Microseconds)> measure;
};
static std::vector<Offer> offers;

template <class T>
static T* shared() {
  void* memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("mmap");
  return new (memory) T();
}

// Pins this process to one of the cores that the parent could choose from.
static void pin(size_t number) {
  std::vector<int> cores;
  const char* entry = getenv("BENCHES_CORES");
  std::stringstream list(entry ? entry : "0");
  for (std::string core; std::getline(list, core, ',');) cores.push_back(atoi(core.c_str()));
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cores[number % cores.size()], &set);
  sched_setaffinity(0, sizeof set, &set);
}

static double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

// Times one call like `src/measure/stopwatch.rs`: the median of many batches, most of which are not interrupted.
template <class Work>
static std::string time_calls(Microseconds duration, Work work) {
  std::vector<double> batches;
  auto begin = Clock::now();
  for (uint64_t count = 1; batches.empty() || Clock::now() - begin < duration;) {
    auto start = Clock::now();
    for (uint64_t call = 0; call < count; call++) work();
    auto elapsed = Clock::now() - start;
    if (!batches.empty() || elapsed * 100 >= duration) {
      batches.push_back(seconds(elapsed) * 1e9 / count);
    } else {
      count *= 2;
    }
  }
  std::sort(batches.begin(), batches.end());
  return "value=" + std::to_string(batches[batches.size() / 2]);
}

// Hides from the compiler where the pointer comes from.
template <class T>
static T* opaque(T* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return pointer;
}

template <class Mutex>
static void offer_alone(const std::string& name) {
  auto* number = shared<Guarded<Mutex, uint64_t>>();
  offers.push_back({"add " + name, [=](Microseconds duration) {
                      return time_calls(duration, [=] {
                        auto* guarded = opaque(number);
                        boost_ipc::scoped_lock<Mutex> lock(guarded->mutex);
                        guarded->value++;
                      });
                    }});
  auto* record = shared<Guarded<Mutex, Record>>();
  offers.push_back({"add-field-64 " + name, [=](Microseconds duration) {
                      return time_calls(duration, [=] {
                        auto* guarded = opaque(record);
                        boost_ipc::scoped_lock<Mutex> lock(guarded->mutex);
                        guarded->value.words[0]++;
                      });
                    }});
  offers.push_back({"snapshot-64 " + name, [=](Microseconds duration) {
                      return time_calls(duration, [=] {
                        auto* guarded = opaque(record);
                        boost_ipc::scoped_lock<Mutex> lock(guarded->mutex);
                        Record copy = guarded->value;
                        opaque(&copy);
                      });
                    }});
}

template <class Mutex>
static void offer_race(const std::string& name, size_t processes) {
  offers.push_back({"race-" + std::to_string(processes) + " " + name, [=](Microseconds duration) {
    auto* number = shared<Guarded<Mutex, uint64_t>>();
    auto* signals = shared<Signals>();
    std::vector<pid_t> children;
    for (size_t child = 0; child < processes; child++) {
      pid_t id = fork();
      if (id) {
        children.push_back(id);
        continue;
      }
      pin(child);
      signals->ready++;
      while (!signals->go) __builtin_ia32_pause();
      uint64_t done = 0;
      Clock::duration longest{0};
      for (auto last = Clock::now(); !signals->stop; done += 64) {
        for (int call = 0; call < 64; call++) {
          boost_ipc::scoped_lock<Mutex> lock(number->mutex);
          number->value++;
        }
        auto now = Clock::now();
        longest = std::max(longest, now - last);
        last = now;
      }
      signals->found[child].done = done;
      signals->found[child].longest = std::chrono::nanoseconds(longest).count();
      _exit(0);
    }
    while (signals->ready < int(processes)) usleep(50);
    auto start = Clock::now();
    signals->go = 1;
    usleep(duration.count());
    signals->stop = 1;
    auto elapsed = Clock::now() - start;
    for (pid_t child : children) waitpid(child, nullptr, 0);
    uint64_t total = 0, least = UINT64_MAX, most = 0, longest = 0;
    for (size_t child = 0; child < processes; child++) {
      auto& found = signals->found[child];
      total += found.done;
      least = std::min(least, found.done);
      most = std::max(most, found.done);
      longest = std::max(longest, found.longest);
    }
    if (number->value != total) throw std::runtime_error("additions are lost");
    munmap(number, sizeof *number);
    munmap(signals, sizeof *signals);
    return "value=" + std::to_string(total / seconds(elapsed) / 1e6) + " fairness=" + std::to_string(double(least) / most) +
           " longest_wait_us=" + std::to_string(longest / 1e3);
  }});
}

template <class Mutex>
static void offer_beside(const std::string& name, int gap, const std::string& work) {
  offers.push_back({work + " " + name, [=](Microseconds duration) {
    auto* record = shared<Guarded<Mutex, Record>>();
    auto* signals = shared<Signals>();
    pid_t child = fork();
    if (!child) {
      pin(1);
      signals->ready++;
      while (!signals->go) __builtin_ia32_pause();
      uint64_t writes = 0;
      while (!signals->stop) {
        writes++;
        {
          boost_ipc::scoped_lock<Mutex> lock(record->mutex);
          for (auto& word : record->value.words) word = writes;
        }
        for (auto start = Clock::now(); gap && Clock::now() - start < Microseconds(gap);) __builtin_ia32_pause();
      }
      signals->found[0].done = writes;
      _exit(0);
    }
    while (!signals->ready) usleep(50);
    signals->go = 1;
    uint64_t reads = 0, torn = 0;
    auto start = Clock::now();
    Clock::duration elapsed{0};
    for (; elapsed < duration; elapsed = Clock::now() - start, reads += 64) {
      for (int call = 0; call < 64; call++) {
        Record copy;
        {
          boost_ipc::scoped_lock<Mutex> lock(record->mutex);
          copy = record->value;
        }
        opaque(&copy);
        torn += !std::all_of(copy.words, copy.words + 8, [&](uint64_t word) { return word == copy.words[0]; });
      }
    }
    signals->stop = 1;
    waitpid(child, nullptr, 0);
    double writes = double(signals->found[0].done);
    munmap(record, sizeof *record);
    munmap(signals, sizeof *signals);
    if (torn) throw std::runtime_error("torn reads");
    return "value=" + std::to_string(seconds(elapsed) * 1e9 / reads) +
           " torn=0 writes,_M/s=" + std::to_string(writes / seconds(elapsed) / 1e6);
  }});
}

// Takes and releases a lock that the process holds.
static void offer_relock() {
  auto* mutex = shared<boost_ipc::interprocess_recursive_mutex>();
  offers.push_back({"relock Boost recursive mutex", [=](Microseconds duration) {
                      boost_ipc::scoped_lock<boost_ipc::interprocess_recursive_mutex> outer(*mutex);
                      return time_calls(duration, [=] {
                        boost_ipc::scoped_lock<boost_ipc::interprocess_recursive_mutex> inner(*opaque(mutex));
                      });
                    }});
}

static void offer_create() {
  std::string name = "benches.boost." + std::to_string(getpid());
  offers.push_back({"create-named Boost managed_shared_memory", [=](Microseconds duration) {
                      std::string nanoseconds = time_calls(duration, [=] {
                        boost_ipc::managed_shared_memory segment(boost_ipc::create_only, name.c_str(), 4096);
                        segment.construct<Guarded<boost_ipc::interprocess_mutex, Record>>("value")();
                        boost_ipc::shared_memory_object::remove(name.c_str());
                      });
                      return "value=" + std::to_string(std::stod(nanoseconds.substr(6)) / 1e3);
                    }});
}

template <class Mutex>
static void offer_all(const std::string& name) {
  offer_alone<Mutex>(name);
  offer_race<Mutex>(name, 2);
  offer_race<Mutex>(name, 4);
  offer_beside<Mutex>(name, 0, "read-beside-writer");
  offer_beside<Mutex>(name, 2, "read-beside-writer-2us");
  offer_beside<Mutex>(name, 100, "read-beside-writer-100us");
}

int main() {
  pin(0);
  offer_all<boost_ipc::interprocess_mutex>("Boost mutex");
  offer_all<boost_ipc::interprocess_recursive_mutex>("Boost recursive mutex");
  offer_relock();
  offer_create();
  printf("version Boost.Interprocess of Boost %d.%d, g++ %s\n", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, __VERSION__);
  for (auto& offer : offers) printf("offer %s\n", offer.title.c_str());
  printf("ready\n");
  fflush(stdout);
  size_t number;
  long duration;
  while (scanf("%zu %ld", &number, &duration) == 2) {
    try {
      printf("ok %s\n", offers.at(number).measure(Microseconds(duration)).c_str());
    } catch (const std::exception& error) {
      printf("failed %s\n", error.what());
    }
    fflush(stdout);
  }
}
