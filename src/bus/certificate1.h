// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The two halves of org.certherd.Certificate1.
 */
#pragma once

#include "bus/table.h"

extern const HerdBusProperty herd_bus_certificate1_properties[];
