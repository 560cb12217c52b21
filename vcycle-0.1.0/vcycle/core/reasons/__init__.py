"""Why a plan is what it is, told in the order in which its rules were applied."""
