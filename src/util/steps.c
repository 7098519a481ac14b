// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The step runner. A run is owned by its operation; besides, every slot that has not answered holds
 * it, and so does the report of its end. What happens next is always the present phase, and walk()
 * is the only loop; whatever happens (an answer, a timer, a cancel) only changes the run and calls
 * walk(), which does nothing if it is at work already. Main loop only.
 */
#include "util/steps.h"

typedef enum {
  PHASE_NEW,       /* not started */
  PHASE_ARRIVE,    /* at a row: tell, perhaps begin to commit */
  PHASE_COMMITTED, /* read the answer of the commit before enter */
  PHASE_ENTER,
  PHASE_LEAVE,    /* read the answers of the wait */
  PHASE_RECORD,   /* begin to commit after leave */
  PHASE_RECORDED, /* read the answer of the commit after leave */
  PHASE_ADVANCE,  /* to the next row, or wherever leave wants to go */
  PHASE_ENDED,
} Phase;

typedef struct {
  HerdRun *run;         /* a reference, until the answer comes */
  GAsyncResult *result; /* NULL until then */
} Slot;

struct HerdRun {
  int references;
  char *name;
  const HerdStep *steps;
  guint n_steps;
  const HerdRunOps *ops;
  gpointer operation;
  HerdClock *clock;
  const HerdCrash *crash;
  GCancellable *cancellable;
  GError *error; /* the first failure */

  Phase phase;
  gboolean walking;
  guint row;
  guint next;       /* the row after this one */
  gint64 again;     /* what leave asked for: a delay, or -1 */
  GPtrArray *slots; /* of Slot: the present wait */
  guint unanswered; /* slots without result */
  guint timer;      /* the delay of "again", or 0 */
};

static void
slot_free (gpointer data)
{
  Slot *slot = data;

  g_clear_object (&slot->result);
  g_free (slot);
}

static gboolean
is_last (HerdRun *run)
{
  return run->row == run->n_steps - 1;
}

static void
name_point (HerdRun *run, const char *what)
{
  herd_crash_point (run->crash, "run:%s/%s:%s", run->name, run->steps[run->row].name, what);
}

/* Keeps ERROR (taken; NULL if a function failed without saying why) if it is the first. */
static void
fail (HerdRun *run, GError *error)
{
  if (error == NULL)
    error = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "Step “%s” of %s failed without a reason",
                         run->steps[run->row].name, run->name);
  if (run->error == NULL)
    run->error = error;
  else
    g_error_free (error);
}

static void
go (HerdRun *run, guint row)
{
  g_ptr_array_set_size (run->slots, 0);
  run->row = row;
  run->next = row + 1;
  run->phase = PHASE_ARRIVE;
}

static void
arrive (HerdRun *run)
{
  const HerdStep *step = &run->steps[run->row];

  run->phase = PHASE_ENTER;
  if (run->ops->entered != NULL)
    run->ops->entered (run->operation, step->name, (double) run->row / run->n_steps);
  if ((step->commit & HERD_COMMIT_BEFORE) == 0 || run->ops->commit == NULL)
    return;
  name_point (run, "before-commit");
  run->phase = PHASE_COMMITTED;
  run->ops->commit (run, run->operation, herd_run_slot (run));
}

/* Reads the answer of a commit; the next phase is NEXT, whether it succeeded or not. */
static void
read_commit (HerdRun *run, const char *point, Phase next)
{
  GError *error = NULL;

  if (run->ops->commit_finish (run->operation, herd_run_get_result (run, 0), &error))
    name_point (run, point);
  else
    fail (run, error);
  g_ptr_array_set_size (run->slots, 0);
  run->phase = next;
}

static void
enter (HerdRun *run)
{
  const HerdStep *step = &run->steps[run->row];
  GError *error = NULL;

  run->phase = PHASE_LEAVE;
  if (step->enter != NULL && !step->enter (run, run->operation, &error)) {
    fail (run, error);
    run->phase = PHASE_ADVANCE; /* as soon as what it had started has answered */
    return;
  }
  name_point (run, "entered");
}

static void on_delay_over (gpointer data);

/* Leave asked for another round of this row. */
static void
repeat (HerdRun *run)
{
  run->phase = PHASE_ENTER;
  if (run->again > 0 && (run->error == NULL || is_last (run)))
    run->timer = herd_clock_arm (run->clock, run->again, on_delay_over, run);
}

static void
leave (HerdRun *run)
{
  const HerdStep *step = &run->steps[run->row];
  GError *error = NULL;

  if (run->slots->len > 0)
    name_point (run, "answered");
  run->again = -1;
  run->phase = PHASE_ADVANCE;
  if (step->leave != NULL && !step->leave (run, run->operation, &error)) {
    fail (run, error);
  } else if (run->again >= 0) {
    repeat (run);
  } else {
    name_point (run, "left");
    if ((step->commit & HERD_COMMIT_AFTER) != 0 && run->ops->commit != NULL)
      run->phase = PHASE_RECORD;
  }
  g_ptr_array_set_size (run->slots, 0);
}

static void
begin_record (HerdRun *run)
{
  run->phase = PHASE_RECORDED;
  run->ops->commit (run, run->operation, herd_run_slot (run));
}

static gboolean
report_end (gpointer data)
{
  HerdRun *run = data;

  run->ops->finished (run->operation, run->error);
  return G_SOURCE_REMOVE;
}

/* The end is told from a turn of the main loop of its own, so that whoever called start, cancel or
 * ready is not surprised by it. */
static void
end (HerdRun *run)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  run->phase = PHASE_ENDED;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "herd-run-end");
  g_source_set_callback (source, report_end, herd_run_ref (run), (GDestroyNotify) herd_run_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
advance (HerdRun *run)
{
  if (is_last (run))
    end (run);
  else
    go (run, run->next);
}

/* Does the present phase only read an answer? Those are read even after a failure or a cancel, so
 * that the clean-up knows what there is to clean up. */
static gboolean
is_reading (HerdRun *run)
{
  return run->phase == PHASE_COMMITTED || run->phase == PHASE_LEAVE || run->phase == PHASE_RECORDED;
}

static void
take_step (HerdRun *run)
{
  if (run->error != NULL && !is_last (run) && !is_reading (run))
    go (run, run->n_steps - 1);
  switch (run->phase) {
  case PHASE_ARRIVE:
    arrive (run);
    break;
  case PHASE_COMMITTED:
    read_commit (run, "committed", PHASE_ENTER);
    break;
  case PHASE_ENTER:
    enter (run);
    break;
  case PHASE_LEAVE:
    leave (run);
    break;
  case PHASE_RECORD:
    begin_record (run);
    break;
  case PHASE_RECORDED:
    read_commit (run, "recorded", PHASE_ADVANCE);
    break;
  case PHASE_ADVANCE:
    advance (run);
    break;
  case PHASE_NEW:
  case PHASE_ENDED:
    g_assert_not_reached ();
  }
}

static void
walk (HerdRun *run)
{
  if (run->walking)
    return;
  herd_run_ref (run);
  run->walking = TRUE;
  while (run->unanswered == 0 && run->timer == 0 && run->phase != PHASE_ENDED)
    take_step (run);
  run->walking = FALSE;
  herd_run_unref (run);
}

static void
on_delay_over (gpointer data)
{
  HerdRun *run = data;

  run->timer = 0;
  walk (run);
}

HerdRun *
herd_run_new (const char *name, const HerdStep *steps, guint n_steps, const HerdRunOps *ops,
              gpointer operation, HerdClock *clock, const HerdCrash *crash)
{
  HerdRun *run = g_new0 (HerdRun, 1);

  g_assert (n_steps > 0 && ops->finished != NULL);
  g_assert (ops->commit == NULL || ops->commit_finish != NULL);
  run->references = 1;
  run->name = g_strdup (name);
  run->steps = steps;
  run->n_steps = n_steps;
  run->ops = ops;
  run->operation = operation;
  run->clock = herd_clock_ref (clock);
  run->crash = crash;
  run->cancellable = g_cancellable_new ();
  run->slots = g_ptr_array_new_with_free_func (slot_free);
  return run;
}

HerdRun *
herd_run_ref (HerdRun *run)
{
  run->references++;
  return run;
}

void
herd_run_unref (HerdRun *run)
{
  if (run == NULL || --run->references > 0)
    return;
  herd_clock_disarm (run->clock, run->timer);
  g_ptr_array_unref (run->slots);
  g_object_unref (run->cancellable);
  herd_clock_unref (run->clock);
  g_clear_error (&run->error);
  g_free (run->name);
  g_free (run);
}

/* Sets ROW to that of STEP; without one the run has failed. */
static void
find_row (HerdRun *run, const char *step, guint *row)
{
  for (guint i = 0; i < run->n_steps; i++) {
    if (g_str_equal (run->steps[i].name, step)) {
      *row = i;
      return;
    }
  }
  fail (run, g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no step “%s” in %s", step,
                          run->name));
}

void
herd_run_start (HerdRun *run, const char *first)
{
  guint row = 0;

  g_return_if_fail (run->phase == PHASE_NEW);
  if (first != NULL)
    find_row (run, first, &row);
  go (run, row);
  walk (run);
}

void
herd_run_cancel (HerdRun *run)
{
  if (run->phase == PHASE_ENDED || (run->phase != PHASE_NEW && is_last (run)))
    return;
  herd_run_ref (run);
  fail (run, g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s was cancelled", run->name));
  g_cancellable_cancel (run->cancellable);
  if (run->timer != 0) {
    herd_clock_disarm (run->clock, run->timer);
    run->timer = 0;
    walk (run);
  }
  herd_run_unref (run);
}

GCancellable *
herd_run_get_cancellable (HerdRun *run)
{
  return is_last (run) ? NULL : run->cancellable;
}

gpointer
herd_run_slot (HerdRun *run)
{
  Slot *slot = g_new0 (Slot, 1);

  g_assert (run->walking);
  slot->run = herd_run_ref (run);
  g_ptr_array_add (run->slots, slot);
  run->unanswered++;
  return slot;
}

void
herd_run_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  Slot *slot = data;
  g_autoptr (HerdRun) run = g_steal_pointer (&slot->run);

  g_assert (run != NULL);
  slot->result = g_object_ref (result);
  run->unanswered--;
  walk (run);
}

guint
herd_run_get_n_results (HerdRun *run)
{
  return run->slots->len;
}

GAsyncResult *
herd_run_get_result (HerdRun *run, guint index)
{
  g_return_val_if_fail (index < run->slots->len, NULL);
  return ((Slot *) g_ptr_array_index (run->slots, index))->result;
}

void
herd_run_again (HerdRun *run, gint64 delay)
{
  run->again = MAX (delay, 0);
}

void
herd_run_set_delay (HerdRun *run, gint64 delay)
{
  if (run->timer == 0)
    return;
  herd_clock_disarm (run->clock, run->timer);
  run->timer = herd_clock_arm (run->clock, delay, on_delay_over, run);
}

void
herd_run_jump (HerdRun *run, const char *step)
{
  g_return_if_fail (!is_last (run));
  find_row (run, step, &run->next);
}

const char *
herd_run_get_step (HerdRun *run)
{
  return run->phase == PHASE_NEW || run->phase == PHASE_ENDED ? NULL : run->steps[run->row].name;
}

const GError *
herd_run_get_error (HerdRun *run)
{
  return run->error;
}

HerdClock *
herd_run_get_clock (HerdRun *run)
{
  return run->clock;
}
