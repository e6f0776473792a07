"""The default is made in the function, anew for each call."""


class Player:
    def __init__(self, name):
        self.name = name


def join(player, team=None):
    team = [] if team is None else team
    team.append(player)
    return [each.name for each in team]


def test_player_goes_with_the_team(assert_collected):
    player = Player("Ada")
    assert_collected(player)

    assert join(player)[-1] == "Ada"
