// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The machine's clock, and the dispatch to whichever clock there is. Owned by the composition root,
 * shared by reference. A timer is a GSource with a ready time, not a GTimeoutSource: milliseconds
 * in a guint end after 49 days, and a renewal may be farther away than that. Main loop only.
 */
#include "util/clock.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

typedef struct {
  GSource source;
  HerdClockFunc func;
  gpointer data;
  int fd;       /* of arm_at, else -1 */
  gpointer tag; /* of the fd */
} Timer;

static gboolean
is_timer_ready (GSource *source)
{
  Timer *timer = (Timer *) source;

  return timer->fd >= 0 && g_source_query_unix_fd (source, timer->tag) != 0;
}

static void
close_timer (GSource *source)
{
  Timer *timer = (Timer *) source;

  if (timer->fd >= 0)
    close (timer->fd);
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc unused, gpointer data)
{
  Timer *timer = (Timer *) source;

  /* The timer is gone before its function runs, so that this one may arm the next. */
  g_source_destroy (source);
  timer->func (timer->data);
  return G_SOURCE_REMOVE;
}

static GSourceFuncs timer_funcs = {
  .check = is_timer_ready,
  .dispatch = dispatch_timer,
  .finalize = close_timer,
};

static gint64
get_system_real (HerdClock *clock)
{
  return g_get_real_time ();
}

static gint64
get_system_monotonic (HerdClock *clock)
{
  return g_get_monotonic_time ();
}

static guint
arm_system (HerdClock *clock, gint64 delay, HerdClockFunc func, gpointer data)
{
  g_autoptr (GSource) source = g_source_new (&timer_funcs, sizeof (Timer));
  Timer *timer = (Timer *) source;
  gint64 now = g_get_monotonic_time ();

  timer->func = func;
  timer->data = data;
  timer->fd = -1;
  g_source_set_static_name (source, "herd-clock");
  g_source_set_ready_time (source, delay > G_MAXINT64 - now ? G_MAXINT64 : now + delay);
  return g_source_attach (source, g_main_context_get_thread_default ());
}

/* The kernel's own timer of the wall clock: it follows suspends and changes of the time by itself. */
static guint
arm_system_at (HerdClock *clock, gint64 real, HerdClockFunc func, gpointer data)
{
  gint64 when = MAX (real, 1); /* 0 would disarm it */
  const struct itimerspec at = { .it_value = { when / HERD_SECOND, when % HERD_SECOND * 1000 } };
  /* ECANCELED: the time was set just now; it is armed all the same. */
  const int flags = TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET;
  int fd = timerfd_create (CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
  g_autoptr (GSource) source = NULL;
  Timer *timer;

  if (fd < 0 || (timerfd_settime (fd, flags, &at, NULL) < 0 && errno != ECANCELED)) {
    g_warning ("A timer that follows the time of day cannot be had: %s", g_strerror (errno));
    if (fd >= 0)
      close (fd);
    return arm_system (clock, MAX (real - g_get_real_time (), 0), func, data);
  }
  source = g_source_new (&timer_funcs, sizeof (Timer));
  timer = (Timer *) source;
  timer->func = func;
  timer->data = data;
  timer->fd = fd;
  timer->tag = g_source_add_unix_fd (source, fd, G_IO_IN);
  g_source_set_static_name (source, "herd-clock");
  return g_source_attach (source, g_main_context_get_thread_default ());
}

static void
disarm_system (HerdClock *clock, guint timer)
{
  GSource *source = g_main_context_find_source_by_id (g_main_context_get_thread_default (), timer);

  g_return_if_fail (source != NULL);
  g_source_destroy (source);
}

static void
free_system (HerdClock *clock)
{
  g_free (clock);
}

static const HerdClockVTable system_vtable = {
  .get_real = get_system_real,
  .get_monotonic = get_system_monotonic,
  .arm = arm_system,
  .arm_at = arm_system_at,
  .disarm = disarm_system,
  .free = free_system,
};

HerdClock *
herd_clock_new_system (void)
{
  HerdClock *clock = g_new0 (HerdClock, 1);

  clock->vtable = &system_vtable;
  clock->references = 1;
  return clock;
}

HerdClock *
herd_clock_ref (HerdClock *clock)
{
  g_atomic_int_inc (&clock->references);
  return clock;
}

void
herd_clock_unref (HerdClock *clock)
{
  if (clock != NULL && g_atomic_int_dec_and_test (&clock->references))
    clock->vtable->free (clock);
}

gint64
herd_clock_get_real (HerdClock *clock)
{
  return clock->vtable->get_real (clock);
}

gint64
herd_clock_get_seconds (HerdClock *clock)
{
  return herd_clock_get_real (clock) / HERD_SECOND;
}

gint64
herd_clock_get_monotonic (HerdClock *clock)
{
  return clock->vtable->get_monotonic (clock);
}

guint
herd_clock_arm (HerdClock *clock, gint64 delay, HerdClockFunc func, gpointer data)
{
  return clock->vtable->arm (clock, MAX (delay, 0), func, data);
}

guint
herd_clock_arm_at (HerdClock *clock, gint64 real, HerdClockFunc func, gpointer data)
{
  return clock->vtable->arm_at (clock, real, func, data);
}

void
herd_clock_disarm (HerdClock *clock, guint timer)
{
  if (timer != 0)
    clock->vtable->disarm (clock, timer);
}
