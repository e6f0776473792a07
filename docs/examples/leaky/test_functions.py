"""A default argument is made once, with the function, and shared by all calls."""


class Player:
    def __init__(self, name):
        self.name = name


def join(player, team=[]):  # noqa: B006 - the fault to be shown
    team.append(player)
    return [each.name for each in team]


def test_player_goes_with_the_team(assert_collected):
    player = Player("Ada")
    assert_collected(player)

    assert join(player)[-1] == "Ada"
