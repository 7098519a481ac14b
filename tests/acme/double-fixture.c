// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One engine and the protocol double.
 */
#include "double-fixture.h"

void
double_set_up (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->ca = test_double_new ();
  acme_set_up (&fixture->acme, test_double_get_url (fixture->ca),
               test_double_get_trust (fixture->ca), NULL, NULL);
}

void
double_tear_down (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  acme_tear_down (&fixture->acme);
  test_double_free (fixture->ca);
}

void
double_restart (DoubleFixture *fixture)
{
  acme_restart (&fixture->acme, test_double_get_url (fixture->ca),
                test_double_get_trust (fixture->ca), NULL);
}
